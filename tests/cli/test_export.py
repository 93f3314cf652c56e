"""`argan export`, from its arguments to its line."""

from pathlib import Path

import pytest
import torch

from argan_hf.cli import main
from argan_hf.export import OnnxReport, WebReport


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


def test_it_says_what_was_written_for_browsers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def export(model: str, folder: Path, *, overwrite: bool) -> WebReport:
        asked.extend((model, overwrite))
        return WebReport(folder, ("graph.onnx", "weights.bin", "manifest.json"), 18, 1234567, 2e-7, ((1, 1, 2),))

    monkeypatch.setattr("argan_hf.cli.export.export_web", export)
    assert main(["export", "--web", str(tmp_path / "web"), "--overwrite"]) == 0
    assert capsys.readouterr().out == (
        f"{tmp_path / 'web'}: graph.onnx, weights.bin, manifest.json, opset 18, 1,234,567 bytes, differs from PyTorch "
        "by 2.0e-07 at most (2x1)\n"
    )
    assert asked == ["argan-jpeg-color", True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to write: give the name of a file, OUT.onnx, or a folder with --web"),
        (["--web", "web", "net.onnx"], "--web writes a folder and no file, found net.onnx as well: give one of them"),
        (["--web", "web", "--kind", "told"], "--kind does not go with --web, which writes all that a browser needs"),
        (["--web", "web", "--dtype", "float32"], "--dtype does not go with --web"),
        (["--web", "web", "--realism", "0"], "--realism does not go with --web"),
        (["--web", "web", "--external-data"], "--external-data does not go with --web"),
        (["--web", "here.onnx"], "/"),
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
