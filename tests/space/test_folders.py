"""Nothing but an upload is opened, and nothing stays."""

import os
import time
from pathlib import Path

import pytest

import folders

HASH = "0123456789abcdef" * 4


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "argan_hf-space-test"
    folder.mkdir()
    monkeypatch.setattr(folders, "FOLDER", folder)
    return folder


def _file(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_an_upload_is_opened(own_folder: Path) -> None:
    path = _file(own_folder / HASH / "photo.jpg")
    assert folders.uploaded(str(path)) == path


def test_nothing_else_is_opened(own_folder: Path, tmp_path: Path) -> None:
    secret = _file(tmp_path / "secret.jpg")
    (own_folder / HASH).mkdir()
    link = own_folder / HASH / "link.jpg"
    link.symlink_to(secret)
    linked_folder = own_folder / HASH[::-1]
    linked_folder.symlink_to(tmp_path)
    result = _file(own_folder / ("0" * 32) / "given" / "photo.jpg")
    thumbnail = _file(own_folder / ("0" * 32) / "thumbnail.png")
    fifo = own_folder / HASH / "fifo"
    os.mkfifo(fifo)
    for path in (
        *(
            str(secret),
            "/dev/zero",
            "/etc/passwd",
            str(link),
            str(linked_folder / "secret.jpg"),
            str(result),
            str(thumbnail),
            str(fifo),
        ),
        *(f"{own_folder}/{HASH}/../../secret.jpg", os.path.relpath(secret), f"{own_folder}/{HASH}", str(own_folder)),
        *("", "\0", "x" * 5000, f"file={secret}", f"http://127.0.0.1/{HASH}/photo.jpg", None, 7, [str(secret)], secret),
    ):
        with pytest.raises(folders.NotUploadedError) as refused:
            folders.uploaded(path)
        # The same words for all of them: they do not tell what exists.
        assert refused.value.message.startswith("This is not a picture that was uploaded here")
        assert "secret" not in refused.value.message


def test_what_is_old_is_deleted_and_what_is_in_use_stays(own_folder: Path) -> None:
    now = time.time()
    old, new, used = (_file(own_folder / name / "a.jpg").parent for name in ("old", "new", "used"))
    loose = _file(own_folder / "loose.jpg")
    for path in (old, used, loose):
        os.utime(path, (now - 60 * folders.MINUTES_KEPT - 1,) * 2)
    folders.sweep(lambda: {used}, now=now)
    assert not old.exists()
    assert not loose.exists()
    assert new.exists()
    assert used.exists()


def test_the_oldest_uploads_make_room(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_GIGABYTES", 2500 / 1e9)
    now = time.time()
    made = [_file(own_folder / f"{number}" / "a.jpg", bytes(1000)).parent for number in range(4)]
    for age, path in enumerate(reversed(made)):
        os.utime(path, (now - age, now - age))
    folders.sweep(set, now=now)
    assert [path.exists() for path in made] == [False, False, True, True]


def test_what_a_killed_server_left_is_deleted(own_folder: Path) -> None:
    left, running = (_file(own_folder.parent / f"argan_hf-space-{name}" / "a.jpg").parent for name in ("left", "runs"))
    foreign = _file(own_folder.parent / "somebody" / "a.jpg").parent
    long_ago = time.time() - 3600
    for path in (left, foreign, own_folder):
        os.utime(path, (long_ago, long_ago))
    folders.sweep(set)
    assert not left.exists()
    assert running.exists()
    assert foreign.exists()
    assert own_folder.stat().st_mtime > long_ago + 3000
