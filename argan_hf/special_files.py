"""Tells files from what only has a name like one: pipes, devices, sockets, open descriptors.

Reading a pipe that nobody writes to would wait for ever, and renaming a file over a device would replace the device.
"""

import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_STANDARD_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr")


def special_kind(path: Path) -> str | None:
    """What a path names that is neither file nor folder: "a pipe", "a socket", "a device"; links are followed.

    `None` for files, for folders, and for what does not exist or cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # A name with a NUL raises ValueError.
        return None
    return next((words for is_kind, words in _KINDS if is_kind(mode)), None)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; unlike `Path.is_dir`, no path raises, however long or hidden from this user it is."""
    return os.path.isdir(path)  # noqa: PTH112


def is_descriptor(path: Path) -> bool:
    """Whether a path names a file that this process has open already, as `<(COMMAND)` of a shell gives: /dev/fd/63."""
    place = path.parent.as_posix()
    return (
        path.as_posix() in _STANDARD_STREAMS
        or place == "/dev/fd"
        or (place.startswith("/proc/") and place.endswith("/fd"))
    )


def write_through(data: bytes, path: Path) -> None:
    """Write to a pipe, a device or an open descriptor; what was written there before stays.

    Raises:
        OSError: if it cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(data)
