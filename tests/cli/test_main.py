import json
from pathlib import Path

import pytest
from PIL import Image

from argan_hf import __version__
from argan_hf.cli import main
from argan_hf.evaluation.results import Results


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


def test_inspect_goes_on_after_a_bad_file_and_says_so_in_its_exit_code(
    jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(tmp_path / "missing.jpg"), str(jpeg)]) == 1
    captured = capsys.readouterr()
    assert "missing.jpg cannot be read" in captured.err
    assert "quality 23" in captured.out


def test_the_version_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"argan {__version__}\n"


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


def test_evaluate_measures_lives_in_the_order_given(
    checkpoint: Path, tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo.save(folder / "a.png")
    lives = ["20@3,5>90", "20>webp80", "90>x0.5"]
    methods = ["jpeg", str(checkpoint), f"{checkpoint}+history+faithful"]
    files = ["--json", str(tmp_path / "a.json"), "--markdown", str(tmp_path / "a.md")]
    sheet = ["--contact-sheet", str(tmp_path / "a.png")]
    arguments = ["evaluate", "--data", str(folder), "--methods", *methods, "--life", *lives]
    assert main([*arguments, *files, *sheet]) == 0
    assert "pictures: 1 pictures, luma protocol" in capsys.readouterr().out
    results = Results.read(tmp_path / "a.json")
    assert [(score.life, score.method) for score in results.scores] == [(a, b) for a in lives for b in methods]
    lines = (tmp_path / "a.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2::3]] == [f"| {life}" for life in lives]
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (4 * 192, 192 + 24)


def test_evaluate_says_what_is_wrong_with_a_life(
    tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    photo.save(tmp_path / "a.png")
    for lives, method, words in (
        (["20>90", "90>20@3,5"], "jpeg", "the last step can have no @"),
        (["20>tiff"], "jpeg", "found 'tiff'"),
        (["20>png"], "ar-cnn", "ar-cnn restores JPEG files only"),
        (["20", "20>webp80"], "ar-cnn", "at the end of the life is a WEBP file, expected JPEG"),
        (["x0.05"], "jpeg", "16"),
    ):
        assert main(["evaluate", "--data", str(tmp_path), "--methods", method, "--life", *lives]) == 2
        assert words in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(SystemExit):
        main(["evaluate", "--data", str(tmp_path), "--life", "20>90", "--qualities", "10"])
    assert "not allowed with argument" in capsys.readouterr().err


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
