"""A folder that is restored as files arrive: real files that grow in a thread while the command watches."""

import _thread
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from argan_hf.cli import main, watch


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SECONDS_BETWEEN_LOOKS", 0.1)


def _watch(checkpoint: Path, meanwhile: Callable[[], None], *arguments: object) -> int:
    """Run the command while something happens to its folder; then Ctrl-C."""
    failures: list[BaseException] = []

    def act() -> None:
        try:
            meanwhile()
        except BaseException as error:
            failures.append(error)
        _thread.interrupt_main()

    thread = threading.Thread(target=act)
    thread.start()
    code = main(["restore", "--watch", "--model", str(checkpoint), "--device", "cpu", *map(str, arguments)])
    thread.join()
    if failures:
        raise failures[0]
    return code


def _wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_each_picture_is_restored_once_and_when_it_is_complete(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox, out, report = tmp_path / "inbox", tmp_path / "out", tmp_path / "r.json"
    data = jpeg.read_bytes()
    inbox.mkdir()
    (inbox / "before.jpg").write_bytes(data)

    def arrive() -> None:
        _wait_for((out / "before.png").exists)
        with (inbox / "slow.jpg").open("wb") as file:
            for start in range(0, len(data), len(data) // 12):
                file.write(data[start : start + len(data) // 12])
                file.flush()
                time.sleep(0.05)
                assert not (out / "slow.png").exists(), "taken before it was complete"
        (inbox / "moved.part").write_bytes(data)
        (inbox / "moved.part").rename(inbox / "moved.jpg")
        (inbox / "empty.jpg").touch()
        _wait_for(lambda: len(list(out.glob("*.png"))) == 3)
        (out / "before.png").unlink()  # not made again: each once
        time.sleep(0.5)

    assert _watch(checkpoint, arrive, inbox, "-o", out, "--json", report) == 0
    assert sorted(path.name for path in out.iterdir()) == ["moved.png", "slow.png"]
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[-1] == "4 pictures: 3 restored, 1 not started"
    assert [record["status"] for record in json.loads(report.read_text())] == ["restored"] * 3


def test_a_picture_that_was_cut_off_is_tried_again_when_it_changes(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox, out = tmp_path / "inbox", tmp_path / "out"
    inbox.mkdir()
    os.mkfifo(inbox / "pipe.jpg")
    said: list[str] = []

    def arrive() -> None:
        (inbox / "a.jpg").write_bytes(jpeg.read_bytes()[:-900])
        _wait_for(lambda: said.append(capsys.readouterr().err) or "a.jpg is damaged" in "".join(said))
        time.sleep(0.5)
        (inbox / "a.jpg").write_bytes(jpeg.read_bytes())
        _wait_for((out / "a.png").exists)

    assert _watch(checkpoint, arrive, inbox, "-o", out) == 1
    captured = capsys.readouterr()
    errors = "".join(said) + captured.err
    assert (errors.count("a.jpg is damaged"), errors.count("pipe.jpg is a pipe")) == (1, 1)
    assert captured.out.splitlines()[-1].startswith("2 pictures: ")


def test_results_beside_their_sources_are_no_sources(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.jpg").write_bytes(jpeg.read_bytes())

    def arrive() -> None:
        _wait_for((inbox / "a-restored.png").exists)
        # Its stem is taken by a picture that came later: the result gets a name of its own.
        with Image.open(jpeg) as image:
            image.save(inbox / "part", "PNG")
        (inbox / "part").rename(inbox / "a.png")
        _wait_for((inbox / "a.png-restored.png").exists)
        time.sleep(0.4)

    assert _watch(checkpoint, arrive, inbox) == 0
    assert len(list(inbox.iterdir())) == 4
    assert capsys.readouterr().out.splitlines()[-1] == "2 pictures: 2 restored"
    # The next start skips what is there. A result whose name two pictures could claim is not trusted.
    assert _watch(checkpoint, lambda: time.sleep(1.0), inbox) == 0
    assert "1 skipped" in capsys.readouterr().out


def test_a_folder_may_be_gone_for_a_while(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox, out = tmp_path / "inbox", tmp_path / "out.d"
    inbox.mkdir()

    def arrive() -> None:
        time.sleep(0.3)
        inbox.rename(tmp_path / "away")
        time.sleep(0.3)
        (tmp_path / "away" / "a.jpg").write_bytes(jpeg.read_bytes())
        (tmp_path / "away").rename(inbox)
        _wait_for((out / "a.png").exists)
        time.sleep(0.1)

    assert _watch(checkpoint, arrive, inbox, "-o", out) == 0
    assert capsys.readouterr().err == ""


def test_a_picture_that_changes_is_restored_again(
    checkpoint: Path, jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox, out = tmp_path / "inbox", tmp_path / "out"
    inbox.mkdir()
    with Image.open(jpeg) as image:
        image.crop((0, 0, 64, 48)).save(tmp_path / "small.png")
    for name in ("a.jpg", "old.jpg"):
        (inbox / name).write_bytes(jpeg.read_bytes())
    out.mkdir()
    (out / "old.png").write_bytes(b"of an earlier run")
    (inbox / "gone.jpg").symlink_to("nowhere")

    def is_small(path: Path) -> bool:
        with Image.open(path) as image:
            return image.size == (64, 48)

    def arrive() -> None:
        _wait_for((out / "a.png").exists)
        time.sleep(0.3)
        for name in ("a.jpg", "old.jpg"):
            (inbox / name).write_bytes((tmp_path / "small.png").read_bytes())
        _wait_for(lambda: is_small(out / "a.png"))
        # Another picture takes the place of one that was moved away.
        (inbox / "a.jpg").rename(tmp_path / "a.jpg")
        (tmp_path / "small.png").rename(inbox / "a.png")
        _wait_for((out / "a.png.png").exists)
        (inbox / "empty.jpg").touch()
        time.sleep(0.4)

    assert _watch(checkpoint, arrive, inbox, "-o", out) == 1
    captured = capsys.readouterr()
    assert "old.png exists; --overwrite replaces it" in captured.err
    assert captured.err.count("gone.jpg cannot be read: No such file") == 1
    assert (out / "old.png").read_bytes() == b"of an earlier run"
    assert "1 not started" in captured.out.splitlines()[-1]
