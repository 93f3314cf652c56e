"""`argan export`, from its arguments to its line."""

from pathlib import Path

import pytest
import torch

from argan_hf.cli import main
from argan_hf.export import OnnxReport


def test_it_says_what_was_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, object] = {}

    def export(model: str, path: Path, **options: object) -> OnnxReport:
        asked.update(options, model=model)
        files = (path, path.with_name(f"{path.name}_data"))
        return OnnxReport(files, "told", torch.float16, 18, 1234567, 0.000123, ((1, 1, 2), (2, 37, 50)))

    monkeypatch.setattr("argan_hf.cli.export.export_onnx", export)
    out = tmp_path / "net.onnx"
    flags = ["--kind", "told", "--dtype", "float16", "--realism", "0.5", "--external-data"]
    assert main(["export", str(out), "--model", "argan-jpeg-luma", *flags]) == 0
    assert capsys.readouterr().out == (
        f"{out} and {out}_data: told, float16, opset 18, 1,234,567 bytes, differs from PyTorch by 1.2e-04 at most "
        "(2x1, 2 of 50x37)\n"
    )
    assert asked == {
        "model": "argan-jpeg-luma",
        "kind": "told",
        "dtype": torch.float16,
        "realism": 0.5,
        "external_data": True,
        "overwrite": False,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["here.onnx"], "here.onnx exists already: choose another name, or overwrite it"),
        (["photo.jpg"], "the name of an ONNX file ends in .onnx, found 'photo.jpg'"),
        (["net.onnx", "--model", "ar-cnn-q10", "--realism", "0.5"], "this checkpoint has no variant for realism"),
        (["net.onnx", "--realism", "2"], "realism must lie in 0..1, found 2.0"),
    ],
)
def test_it_says_what_is_wrong(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.onnx").touch()
    assert main(["export", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"argan: {words}")
    assert captured.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["here.onnx"]


def test_without_the_libraries_it_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("argan_hf.export.onnx_libraries.find_spec", lambda name: None)
    assert main(["export", str(tmp_path / "net.onnx")]) == 2
    assert '`pip install "argan-hf[onnx]"`' in capsys.readouterr().err
