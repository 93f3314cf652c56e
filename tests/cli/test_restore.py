import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import JpegRestorer
from argan_hf.cli import main
from argan_hf.defaults import REALISM_VARIANT
from argan_hf.loading import load_model
from tests.conftest import jpeg_bytes
from tests.containers.test_opening import giant_jpeg

COMMAND = [sys.executable, "-c", "from argan_hf.cli import main; raise SystemExit(main())"]


def _restore(checkpoint: Path, *arguments: object) -> int:
    return main(["restore", "--model", str(checkpoint), "--device", "cpu", *map(str, arguments)])


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_what_is_written_is_what_the_library_returns(checkpoint: Path, jpeg: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    assert _restore(checkpoint, jpeg, "-o", target) == 0
    restorer = JpegRestorer.from_pretrained(checkpoint, device="cpu")
    assert np.array_equal(_pixels(target), np.array(restorer(jpeg).image))
    weaker = restorer(jpeg, 10, 0.5, faithful=False).image
    options = ("--strength", 0.5, "--quality", 10, "--no-faithful", "--overwrite", "--tile", 64)
    assert _restore(checkpoint, jpeg, "-o", target, *options) == 0
    # Tiles change the order of sums, not more.
    assert np.abs(_pixels(target).astype(int) - np.array(weaker)).max() <= 1


def test_realism_is_the_librarys(checkpoint: Path, jpeg: Path, tmp_path: Path) -> None:
    model = load_model(checkpoint)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    model.save_pretrained(checkpoint, variant=REALISM_VARIANT)
    target, report = tmp_path / "out.png", tmp_path / "report.json"
    assert _restore(checkpoint, jpeg, "-o", target, "--realism", 0.5, "--json", report) == 0
    restorer = JpegRestorer.from_pretrained(checkpoint, device="cpu")
    assert np.array_equal(_pixels(target), np.array(restorer(jpeg, realism=0.5).image))
    assert not np.array_equal(_pixels(target), np.array(restorer(jpeg).image))
    assert json.loads(report.read_text())[0]["realism"] == 0.5


def test_the_default_output_lies_beside_the_input(checkpoint: Path, jpeg: Path) -> None:
    assert _restore(checkpoint, jpeg, "--format", "tiff") == 0
    assert jpeg.with_name("photo-restored.tiff").is_file()


def test_nothing_is_overwritten_unless_told(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.png"
    target.write_text("mine")
    assert _restore(checkpoint, jpeg, "-o", target) == 2
    assert "out.png exists" in capsys.readouterr().err
    assert _restore(checkpoint, jpeg, "-o", target, "--skip-existing") == 0
    assert target.read_text() == "mine"
    assert _restore(checkpoint, jpeg, "-o", target, "--overwrite") == 0
    assert target.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(SystemExit, match="2"):
        _restore(checkpoint, jpeg, "-o", target, "--overwrite", "--skip-existing")


def test_a_folder_is_restored_whatever_lies_in_it(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fotos ü"
    for name in ("日本/a.jpg", "b.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg.read_bytes())
    (folder / "日本/bad.jpg").write_text("hello")
    report = tmp_path / "report.json"
    arguments = (folder, "-r", "-o", tmp_path / "out", "--json", report)
    assert _restore(checkpoint, *arguments) == 1
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"日本/a.png", "b.png"}
    captured = capsys.readouterr()
    bad = folder / "日本/bad.jpg"
    sentence = f"{bad} is not a picture in a known format (JPEG, PNG, WebP, TIFF, …)"
    assert captured.err == f"argan: {sentence}\n"
    assert captured.out.splitlines()[-1] == "3 pictures: 2 restored, 1 failed"
    records = {Path(record["input"]).name: record for record in json.loads(report.read_text())}
    assert [record["status"] for record in records.values()] == ["restored", "restored", "failed"]
    assert records["bad.jpg"]["error"] == sentence
    assert (records["a.jpg"]["quality"], records["a.jpg"]["width"]) == (23, 207)
    assert records["a.jpg"]["output"] == str(tmp_path / "out/日本/a.png")
    bad.write_bytes(jpeg.read_bytes())
    assert _restore(checkpoint, *arguments, "--skip-existing") == 0
    assert [record["status"] for record in json.loads(report.read_text())] == ["skipped", "skipped", "restored"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just words", "is not a picture in a known format"),
        (b"", "is empty (0 bytes)"),
        ("truncated", "ends early"),
        (giant_jpeg(), "--max-megapixels"),
    ],
    ids=["text", "empty", "truncated", "giant"],
)
def test_a_hostile_file_gets_one_sentence(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | str, words: str
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(jpeg.read_bytes()[:-600] if isinstance(content, str) else content)
    out = tmp_path / "out" / "bad.png"
    assert _restore(checkpoint, bad, "-o", out) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"argan: {bad}")
    assert words in captured.err
    assert not out.parent.exists()


def test_the_limit_in_megapixels_can_be_moved(checkpoint: Path, jpeg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _restore(checkpoint, jpeg, "--max-megapixels", 0.01) == 2
    assert "more than the limit of 0.01" in capsys.readouterr().err
    assert _restore(checkpoint, jpeg, "--max-megapixels", 0.04) == 0


def test_wrong_usage_is_said_before_any_work(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    for arguments, words in [
        ((jpeg, "--quality", 0), "--quality must lie in 1..100"),
        ((jpeg, "--strength", 2), "--strength must lie in 0..1"),
        ((jpeg, "--realism", -1), "--realism must lie in 0..1"),
        ((jpeg, "--realism", 0.5), "has no variant for realism"),
        ((jpeg, "--tile", 0), "--tile must be at least 1"),
        ((jpeg, "--max-megapixels", -1), "--max-megapixels must be more than 0"),
        ((tmp_path / "empty",), "empty (ignored: another suffix: 1); --recursive includes subfolders"),
        ((jpeg, "--json", tmp_path / "no" / "a.json"), "there is no folder"),
        ((jpeg, "--watch"), "--watch waits for pictures in folders"),
        ((tmp_path, "--watch", "--dry-run"), "without --dry-run"),
        ((jpeg, "-o", tmp_path / "out.docx"), "no picture format"),
        ((jpeg, "-o", "-", "--json", "-"), "cannot both go to standard output"),
    ]:
        assert _restore(checkpoint, *arguments) == 2
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.out == ""
    assert _restore(tmp_path / "no-model", jpeg) == 2
    assert "cannot be loaded" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("checkpoint", "empty")] == ["photo.jpg"]


def test_a_dry_run_says_all_and_does_nothing(jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.jpg").write_text("hello")
    before = sorted(tmp_path.rglob("*"))
    # There is no such model, and none is needed.
    assert _restore(tmp_path / "no-model", tmp_path, "-o", tmp_path / "out", "--dry-run", "--json", "-") == 1
    captured = capsys.readouterr()
    assert [record["status"] for record in json.loads(captured.out)] == ["failed", "planned"]
    assert f"{jpeg} -> {tmp_path / 'out/photo.png'} (207x153)" in captured.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_may_come_and_go_as_a_stream(
    checkpoint: Path, jpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(jpeg.read_bytes())))
    assert _restore(checkpoint, "-") == 0
    streamed = capsysbinary.readouterr()
    assert b"- -> - (207x153" in streamed.err
    assert _restore(checkpoint, jpeg, "-o", tmp_path / "a.png") == 0
    assert streamed.out == (tmp_path / "a.png").read_bytes()


def test_a_format_that_loses_says_so(checkpoint: Path, jpeg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _restore(checkpoint, jpeg, "--format", "jpg") == 0
    assert "JPEG is lossy" in capsys.readouterr().out


def test_orientation_is_applied_or_kept(checkpoint: Path, photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(photo, exif=exif))
    assert _restore(checkpoint, tmp_path / "a.jpg", "-o", tmp_path / "upright.png") == 0
    assert _restore(checkpoint, tmp_path / "a.jpg", "-o", tmp_path / "kept.png", "--keep-orientation") == 0
    with Image.open(tmp_path / "upright.png") as upright, Image.open(tmp_path / "kept.png") as kept:
        assert (upright.size, upright.getexif()[0x0112]) == (photo.size[::-1], 1)
        assert (kept.size, kept.getexif()[0x0112]) == (photo.size, 6)


def test_an_interrupted_run_says_how_to_go_on(
    checkpoint: Path, jpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    second = tmp_path / "second.jpg"
    second.write_bytes(jpeg.read_bytes())
    restore = JpegRestorer.__call__

    def interrupted(self: JpegRestorer, source: Path, *arguments: object, **options: object) -> object:
        if source == second:
            raise KeyboardInterrupt
        return restore(self, source, *arguments, **options)

    monkeypatch.setattr(JpegRestorer, "__call__", interrupted)
    report = tmp_path / "report.json"
    assert _restore(checkpoint, jpeg, second, "-o", tmp_path / "out", "--json", report) == 1
    assert "1 of 2 to go; --skip-existing" in capsys.readouterr().err
    assert len(json.loads(report.read_text())) == 1
