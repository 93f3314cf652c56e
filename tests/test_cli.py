import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from argan_hf import JpegRestorer
from argan_hf.cli import main
from argan_hf.results import Results
from tests.conftest import jpeg_bytes
from tests.jpeg.test_file import giant_jpeg


@pytest.fixture
def jpeg(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=23))
    return path


def _restore(checkpoint: Path, *arguments: object) -> int:
    return main(["restore", "--model", str(checkpoint), "--device", "cpu", *map(str, arguments)])


def test_restore_writes_what_the_library_returns(checkpoint: Path, jpeg: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    assert _restore(checkpoint, jpeg, "-o", target) == 0
    expected = JpegRestorer.from_pretrained(checkpoint, device="cpu")(jpeg).image
    with Image.open(target) as written:
        assert np.array_equal(np.array(written), np.array(expected))


def test_the_default_output_lies_beside_the_input(checkpoint: Path, jpeg: Path) -> None:
    assert _restore(checkpoint, jpeg) == 0
    assert jpeg.with_name("photo-restored.png").is_file()


def test_nothing_is_overwritten_unless_told(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.png"
    target.write_text("mine")
    assert _restore(checkpoint, jpeg, "-o", target) == 2
    assert "out.png exists" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert _restore(checkpoint, jpeg, "-o", target, "--overwrite") == 0
    assert target.read_bytes()[:4] == b"\x89PNG"


def test_one_bad_file_does_not_stop_the_rest(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("hello")
    assert _restore(checkpoint, bad, jpeg, "-o", tmp_path / "out") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]
    captured = capsys.readouterr()
    assert captured.err == "argan: bad.jpg is not a picture in a known format (JPEG, PNG, WebP, TIFF, …)\n"
    assert "quality 23" in captured.out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just words", "is not a picture in a known format"),
        (b"", "is empty (0 bytes)"),
        ("truncated", "ends early"),
        (giant_jpeg(), "megapixels"),
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
    assert captured.err.startswith("argan: bad.jpg")
    assert words in captured.err
    assert not out.parent.exists()


def test_wrong_usage_is_said_before_any_work(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "other" / "photo.png"
    for arguments, words in [
        ((jpeg, "--quality", 0), "--quality must lie in 1..100"),
        ((jpeg, "--strength", 2), "--strength must lie in 0..1"),
        ((jpeg, twin, "-o", tmp_path / "out"), "same file"),
        ((jpeg, "-o", tmp_path / "out.docx"), "no picture format"),
    ]:
        assert _restore(checkpoint, *arguments) == 2
        assert words in capsys.readouterr().err
    assert _restore(tmp_path / "no-model", jpeg) == 2
    assert "cannot be loaded" in capsys.readouterr().err


def test_inspect_tells_quality_tables_and_sampling(jpeg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(jpeg)]) == 0
    text = capsys.readouterr().out
    assert "207x153, 4:2:0, baseline" in text
    assert "quality 23 (standard tables)" in text
    assert main(["inspect", "--json", str(jpeg), str(jpeg)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["quality"] for row in rows] == [23, 23]
    assert len(rows[0]["tables"][0]) == 64


def test_inspect_refuses_what_is_no_jpeg(
    tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    photo.save(tmp_path / "a.png")
    assert main(["inspect", str(tmp_path / "a.png")]) == 2
    assert "a.png is a PNG file, expected JPEG" in capsys.readouterr().err


def test_evaluate_prints_and_writes_a_table(
    checkpoint: Path, tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo.save(folder / "a.png")
    arguments = ["evaluate", "--data", str(folder), "--methods", "jpeg", str(checkpoint), "--qualities", "10", "20"]
    files = ["--json", str(tmp_path / "a.json"), "--markdown", str(tmp_path / "a.md")]
    assert main([*arguments, *files]) == 0
    assert "pictures: 1 pictures, luma protocol" in capsys.readouterr().out
    results = Results.read(tmp_path / "a.json")
    assert (results.data, results.protocol, len(results.scores)) == ("pictures", "luma", 4)
    assert len((tmp_path / "a.md").read_text().splitlines()) == 6


def test_evaluate_says_what_is_wrong(tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert main(["evaluate", "--data", str(folder), "--methods", "jpeg"]) == 2
    assert "is no folder with pictures" in capsys.readouterr().err
    photo.convert("L").save(folder / "gray.png")
    assert main(["evaluate", "--data", str(folder), "--methods", "jpeg", "--protocol", "rgb"]) == 2
    assert "gray.png is gray" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(folder), "--methods", "waifu"]) == 2
    assert "there is no method 'waifu'" in capsys.readouterr().err
