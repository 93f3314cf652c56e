import io
import json
from pathlib import Path

import pytest
from PIL import Image

from argan_hf import __version__
from argan_hf.cli import main
from argan_hf.evaluation.results import Results
from tests.conftest import EXAMPLES, png16
from tests.containers.files import motion_photo


def test_inspect_tells_quality_tables_and_sampling(jpeg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(jpeg)]) == 0
    text = capsys.readouterr().out
    assert "207x153, 4:2:0, baseline" in text
    assert "quality 23 (standard tables)" in text
    assert main(["inspect", "--json", str(jpeg), str(jpeg)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["quality"] for row in rows] == [23, 23]
    assert len(rows[0]["tables"][0]) == 64


def test_inspect_tells_the_past_of_any_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Image.open(EXAMPLES[1]) as image:
        original = image.convert("RGB").crop((100, 100, 484, 420))
    original.save(tmp_path / "first.jpg", quality=20)
    with Image.open(tmp_path / "first.jpg") as image:
        image.crop((5, 3, 384, 320)).save(tmp_path / "again.jpg", quality=90)
        image.save(tmp_path / "same.png")
    original.save(tmp_path / "never.png")
    names = ["again.jpg", "same.png", "never.png"]
    paths = [str(tmp_path / name) for name in names]
    assert main(["inspect", "--history", *paths]) == 0
    text = capsys.readouterr().out
    assert "quality 90 (standard tables)\n  An earlier save was found: JPEG of quality 20 (in " in text
    assert "same.png: 384x320, PNG\n  An earlier save was found: JPEG of quality 20 (in " in text
    assert "never.png: 384x320, PNG\n  No earlier save found in the pixels." in text
    assert main(["inspect", "--json", "--history", *paths]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["format"] for row in rows] == ["JPEG", "PNG", "PNG"]
    assert [[save["grid"] for save in row["history"]["saves"]] for row in rows] == [[[3, 5]], [[0, 0]], []]
    assert main(["inspect", *paths]) == 0
    assert "earlier save" not in capsys.readouterr().out
    assert main(["inspect", "--json", *paths]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain == [row | {"history": None} for row in rows]


def test_inspect_names_what_else_is_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phone, scan = tmp_path / "phone.jpg", tmp_path / "scan.png"
    phone.write_bytes(motion_photo())
    scan.write_bytes(png16(2, 3))
    assert main(["inspect", str(phone), str(scan)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  holds: video, 1,020 bytes (not carried over to results)" in lines
    assert f"{scan}: 1x1, PNG, 16 bits per channel" in lines
    assert main(["inspect", "--json", str(phone), str(scan)]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["extras"] == [{"kind": "video", "bytes": 1020, "kept": False}]
    assert (first["bits"], second["bits"], second["extras"]) == (8, 16, [])


def test_inspect_reads_standard_input(
    jpeg: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with jpeg.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert main(["inspect", "-"]) == 0
    assert "-: 207x153, 4:2:0, baseline" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [[], ["--history"]])
def test_inspect_shows_the_header_of_a_damaged_file(
    flags: list[str], jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "cut.jpg"
    damaged.write_bytes(jpeg.read_bytes()[:-400])
    assert main(["inspect", str(damaged), *flags]) == 1
    captured = capsys.readouterr()
    assert "quality 23" in captured.out
    assert f"argan: {damaged} is damaged" in captured.err


def test_inspect_finds_the_same_damage_with_and_without_the_history(
    tmp_path: Path, photo: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    photo.save(tmp_path / "photo.png")
    photo.save(tmp_path / "photo.tif")
    photo.convert("I;16").save(tmp_path / "deep.png")
    photo.convert("I;16").save(tmp_path / "deep.tif")
    photo.convert("F").save(tmp_path / "float.tif")
    photo.convert("CMYK").save(tmp_path / "cmyk.jpg")
    for path in list(tmp_path.iterdir()):
        data = path.read_bytes()
        (tmp_path / f"cut-{path.name}").write_bytes(data[: len(data) * 2 // 3])
    assert main(["inspect", str(tmp_path)]) == 1
    plain = capsys.readouterr()
    assert main(["inspect", "--history", str(tmp_path)]) == 1
    with_history = capsys.readouterr()
    assert plain.err == with_history.err
    assert plain.err.count("\n") == 7  # float.tif is not restored.
    assert set(plain.out.splitlines()) < set(with_history.out.splitlines())


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
