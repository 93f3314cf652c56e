"""Who reads the lines: readers that go away, full disks, closed streams, encodings without the letters.

Streams are real descriptors.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from argan_hf.cli import main
from tests.cli.test_restore import COMMAND


def _restore(checkpoint: Path, *arguments: object) -> int:
    return main(["restore", "--model", str(checkpoint), "--device", "cpu", *map(str, arguments)])


def _is_picture(path: Path) -> bool:
    with Image.open(path) as image:
        return image.size == (207, 153)


@contextmanager
def _standard_output(monkeypatch: pytest.MonkeyPatch, descriptor: int, encoding: str = "utf-8") -> Iterator[None]:
    """Standard output is a descriptor, in an encoding that takes nothing it has no letters for."""
    with monkeypatch.context() as patch, os.fdopen(descriptor, "wb") as file:
        patch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding=encoding, errors="strict"))
        yield
        sys.stdout.detach()


def _pipe_without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_reader_that_goes_away_costs_nothing(
    checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jpg").write_bytes((folder / "b.jpg").read_bytes())
    report = tmp_path / "r.json"
    with _standard_output(monkeypatch, _pipe_without_reader()):
        assert _restore(checkpoint, folder, "-o", tmp_path / "out", "--json", report) == 0
    assert [record["status"] for record in json.loads(report.read_text())] == ["restored", "restored"]
    assert len(list((tmp_path / "out").iterdir())) == 2
    for command in (["inspect"], ["inspect", "--json"], ["restore", "--model", str(checkpoint), "--json", "-"]):
        with _standard_output(monkeypatch, _pipe_without_reader()):
            assert main([*command, str(folder / "a.jpg")]) == 0
    assert capsys.readouterr().err.count("argan: ") == 0


def test_a_full_disk_behind_standard_output_costs_no_picture(
    checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "standard output cannot be written: No space left on device"
    (folder / "a.jpg").write_bytes((folder / "b.jpg").read_bytes())
    report = tmp_path / "r.json"
    with _standard_output(monkeypatch, os.open("/dev/full", os.O_WRONLY)):
        assert _restore(checkpoint, folder, "-o", tmp_path / "out", "--json", report) == 1
    assert capsys.readouterr().err == f"argan: {words}\n"
    assert [record["status"] for record in json.loads(report.read_text())] == ["restored", "restored"]
    for command, expected in ((["inspect"], 1), (["inspect", "--json"], 1), (["restore", "-o", "-"], 2)):
        with _standard_output(monkeypatch, os.open("/dev/full", os.O_WRONLY)):
            assert main([*command, str(folder / "a.jpg")]) == expected
        assert capsys.readouterr().err.count(words) == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_encoding_without_the_letters_of_a_name_costs_no_line(
    checkpoint: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    names = ["日本.jpg", os.fsdecode(b"\xff\xe9.jpg")]
    for name in names:
        (folder / name).write_bytes((folder / "b.jpg").read_bytes())
    for command in (["inspect"], ["restore", "--model", str(checkpoint), "-o", str(tmp_path / "out")]):
        said = tmp_path / "said"
        with _standard_output(monkeypatch, os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), encoding):
            assert main([*command, str(folder)]) == 0
        text = said.read_bytes().decode(encoding)
        assert r"\udcff\udce9.jpg" in text
        assert ("日本.jpg" if encoding == "utf-8" else r"\u65e5\u672c.jpg") in text
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.slow
def test_commands_end_without_a_traceback_however_they_are_connected(
    checkpoint: Path, folder: Path, tmp_path: Path
) -> None:
    """What only the end of a process shows: what Python itself does to streams as it exits."""
    argan = " ".join(f"'{part}'" for part in COMMAND)
    restore = f"{argan} restore --model {checkpoint} {folder}"
    inspect = f"{argan} inspect {folder / 'b.jpg'}"
    for index, (template, code, words) in enumerate(
        [
            (f"{restore} -o OUT | head -c 1 >/dev/null", 0, ""),
            (f"{inspect} | head -n 1 >/dev/null", 0, ""),
            (f"PYTHONUNBUFFERED=1 {argan} --help | true", 0, ""),
            (f"{restore} -o OUT >&-", 0, ""),
            (f"{inspect} >/dev/full", 1, "argan: standard output cannot be written: No space left on device\n"),
            (f"{argan} inspect - <&-", 2, "argan: standard input is closed, expected a picture there\n"),
            (
                f"{argan} restore --model {checkpoint} {folder / 'b.jpg'} -o - >&-",
                2,
                "standard output cannot be written",
            ),
        ]
    ):
        line = template.replace("OUT", str(tmp_path / f"out{index}"))
        ended = subprocess.run(["bash", "-o", "pipefail", "-c", line], check=False, capture_output=True, text=True)
        assert (line, ended.returncode) == (line, code), ended.stderr
        assert words in ended.stderr if words else ended.stderr == ""
        assert "Traceback" not in ended.stderr
        if "OUT" in template and code < 2:
            assert _is_picture(tmp_path / f"out{index}" / "b.png"), line
