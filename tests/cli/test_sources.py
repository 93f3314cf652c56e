"""What is taken from folders, and what is left out and why."""

import os
import socket
from pathlib import Path

import pytest

from argan_hf.cli.sources import STREAM, Ignored, Sources, check_is_file, find_sources, nothing_found


def _make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def _names(found: Sources, root: Path) -> list[str]:
    return [source.path.relative_to(root).as_posix() for source in found.pictures]


def test_all_that_is_left_out_has_a_reason(tmp_path: Path) -> None:
    root = tmp_path / "in"
    _make(root, "a.JPG", "notes.txt", ".hidden.jpg", ".cache/b.jpg", "sub/c.png", "out/d.png", "e-restored.png")
    (root / "link").symlink_to(root / "sub")
    (root / "f.jpg").symlink_to(root / "a.JPG")
    found = find_sources([root], recursive=True, leave_out_results=True, output=root / "out")
    assert _names(found, root) == ["a.JPG", "e-restored.png", "f.jpg", "sub/c.png"]
    assert set(found.ignored) == {
        Ignored(root / ".cache", "hidden"),
        Ignored(root / ".hidden.jpg", "hidden"),
        Ignored(root / "notes.txt", "another suffix"),
        Ignored(root / "link", "link to a folder"),
        Ignored(root / "out", "folder of results"),
    }
    # Results lie beside their sources.
    for output in (None, root):
        beside = find_sources([root], recursive=False, leave_out_results=True, output=output)
        assert _names(beside, root) == ["a.JPG", "f.jpg"]
        assert Ignored(root / "e-restored.png", "earlier result") in beside.ignored
        assert Ignored(root / "sub", "subfolder without -r") in beside.ignored
    assert "e-restored.png" in _names(find_sources([root], recursive=False), root)


def test_a_sentence_says_why_nothing_was_found(tmp_path: Path) -> None:
    _make(tmp_path, "a.txt", "b.txt", "sub/c.jpg")
    found = find_sources([tmp_path], recursive=False)
    assert nothing_found([tmp_path], found, recursive=False) == (
        f"no pictures found in {tmp_path} (ignored: another suffix: 2, subfolder without -r: 1); "
        "--recursive includes subfolders"
    )


def test_a_named_file_is_taken_whatever_it_is(tmp_path: Path) -> None:
    _make(tmp_path, "notes.txt", ".hidden.jpg", "a-restored.png")
    named = [tmp_path / "notes.txt", tmp_path / ".hidden.jpg", tmp_path / "a-restored.png", tmp_path / ("x" * 300)]
    found = find_sources([STREAM, *named], recursive=False, leave_out_results=True)
    assert [source.path for source in found.pictures] == [STREAM, *named]


def test_patterns_are_expanded_as_shells_do(tmp_path: Path) -> None:
    _make(tmp_path, "a.jpg", "b.jpg", "c.png", "sub/d.jpg", "[x].jpg", "sub2/e.jpg")
    assert _names(find_sources([tmp_path / "?.jpg"], recursive=False), tmp_path) == ["a.jpg", "b.jpg"]
    assert _names(find_sources([tmp_path / "**" / "[de].*"], recursive=False), tmp_path) == ["sub/d.jpg", "sub2/e.jpg"]
    # A folder that matches is listed; a file whose name looks like a pattern is itself; one without a match is kept.
    assert _names(find_sources([tmp_path / "sub*"], recursive=False), tmp_path) == ["sub/d.jpg", "sub2/e.jpg"]
    assert _names(find_sources([tmp_path / "[x].jpg"], recursive=False), tmp_path) == ["[x].jpg"]
    assert _names(find_sources([tmp_path / "*.gif"], recursive=False), tmp_path) == ["*.gif"]


def test_a_very_deep_tree_is_searched(tmp_path: Path) -> None:
    """Deeper than Python recurses, and than a path can be long: what cannot be reached is named."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2100):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    _make(tmp_path, "d/d/d/a.jpg")
    try:
        found = find_sources([tmp_path], recursive=True)
    finally:
        os.system(f"rm -rf {tmp_path / 'd'}")  # shutil.rmtree does not go so deep
    assert _names(found, tmp_path) == ["d/d/d/a.jpg"]
    assert list(found.unreadable.values()) == ["File name too long"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    _make(tmp_path, "a.jpg", "locked/b.jpg")
    (tmp_path / "locked").chmod(0)
    found = find_sources([tmp_path], recursive=True)
    (tmp_path / "locked").chmod(0o700)
    assert _names(found, tmp_path) == ["a.jpg"]
    assert found.unreadable == {tmp_path / "locked": "Permission denied"}


def test_what_is_no_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a pipe that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "a.jpg")
    for path, kind in ((tmp_path / "a.jpg", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(ValueError, match=rf"{path.name} is {kind}, expected a file"):
            check_is_file(path)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket is limited to about a hundred bytes
        server.bind("b.jpg")
        with pytest.raises(ValueError, match=r"b\.jpg is a socket"):
            check_is_file(Path("b.jpg"))
    reader, writer = os.pipe()  # as `argan restore <(COMMAND)` names it
    check_is_file(Path(f"/dev/fd/{reader}"))
    check_is_file(tmp_path)
    os.close(reader)
    os.close(writer)
