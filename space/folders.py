"""Where visitors' pictures lie, which of them may be opened, and when they are deleted.

Gradio keeps uploads and results for an hour or for good, and opens any path that a request names. Here everything lies
in one folder of this server. A path from a request is opened only if it is an upload below this folder. A thread
deletes what is old; the whole folder goes when the server stops, and the next server removes what a killed one left.
"""

import atexit
import ctypes
import logging
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gradio as gr

logger = logging.getLogger(__name__)

MINUTES_KEPT = 10
"""How long uploads and results of the API stay, in minutes."""

MAX_GIGABYTES = 10.0
"""If uploads take more than this, the oldest are deleted at once."""

MIN_FREE_GIGABYTES = 2.0
"""With less room on the disk, no more pictures are taken."""

_PREFIX = "argan_hf-space-"
_SECONDS_BETWEEN_SWEEPS = 30.0
# A server touches its folder in every sweep. A folder that was not touched for so long belongs to a killed server.
_SECONDS_UNTIL_ABANDONED = 180.0
# Gradio puts an upload into a folder that is named after the checksum of its content.
_UPLOAD_FOLDER = re.compile(r"[0-9a-f]{64}")

FOLDER = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
"""All files of this server; nobody else may read it (mode 0700)."""

os.environ["GRADIO_TEMP_DIR"] = str(FOLDER)  # read by Gradio when the page is built
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


class NotUploadedError(gr.Error):
    """A request names a file that is no upload. The message says no more, so that it does not tell what exists."""

    def __init__(self) -> None:
        words = "This is not a picture that was uploaded here, or it was deleted: upload it again."
        super().__init__(words, print_exception=False)


def uploaded(path: object) -> Path:
    """The file of an upload, if a path from a request names one.

    Args:
        path: what the request says, of any type.

    Raises:
        NotUploadedError: if it is anything else than a file in Gradio's folder of an upload: another file of the
            server, a link that leads to one, a device, or nothing.
    """
    try:
        found = Path(path).resolve(strict=True) if isinstance(path, str) else None
    except (OSError, ValueError, RuntimeError) as error:
        raise NotUploadedError from error
    if found is None or found.parent.parent != FOLDER or not _UPLOAD_FOLDER.fullmatch(found.parent.name):
        raise NotUploadedError
    if not found.is_file():
        raise NotUploadedError
    return found


def new_folder() -> Path:
    """A new folder with a name that nobody can guess: Gradio serves every file below `FOLDER` to whoever names it."""
    folder = FOLDER / secrets.token_hex(16)
    folder.mkdir()
    return folder


def forget(folder: Path) -> None:
    """Delete a folder; what is not there any more does not matter."""
    shutil.rmtree(folder, ignore_errors=True)


def is_full() -> bool:
    """Whether the disk has no room for more pictures."""
    return shutil.disk_usage(FOLDER).free < MIN_FREE_GIGABYTES * 1e9


def sweep(in_use: Callable[[], set[Path]], *, now: float | None = None) -> None:
    """Delete what is old, and what servers that do not run any more have left.

    Args:
        in_use: gives the folders of visits that go on; these are not touched.
        now: seconds since the epoch; default: the time of the clock.
    """
    now = time.time() if now is None else now
    with suppress(OSError):
        os.utime(FOLDER, (now, now))
    for folder in FOLDER.parent.glob(f"{_PREFIX}*"):
        if folder != FOLDER and now - _modified(folder) > _SECONDS_UNTIL_ABANDONED:
            forget(folder)
    kept = in_use()
    entries = sorted((path for path in FOLDER.iterdir() if path not in kept), key=_modified)
    sizes = [sum(_size(file) for file in (path.rglob("*") if path.is_dir() else [path])) for path in entries]
    total = sum(sizes)
    for path, size in zip(entries, sizes, strict=True):
        if now - _modified(path) > 60 * MINUTES_KEPT or total > MAX_GIGABYTES * 1e9:
            forget(path) if path.is_dir() else path.unlink(missing_ok=True)
            total -= size


def keep_clean(in_use: Callable[[], set[Path]], is_idle: Callable[[], bool]) -> None:
    """Start the thread that sweeps for as long as the server runs, and gives free memory back while nobody works."""

    def run() -> None:
        while True:
            try:
                sweep(in_use)
            except Exception:  # whatever it is, the next sweep must come
                logger.exception("old files could not be deleted")
            if is_idle():
                give_memory_back()
            time.sleep(_SECONDS_BETWEEN_SWEEPS)

    threading.Thread(target=run, daemon=True, name="sweeper").start()


def give_memory_back() -> None:
    """Return the free memory of glibc's heap to the system; elsewhere nothing happens.

    After large pictures, glibc keeps more than a gigabyte for the next one.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
