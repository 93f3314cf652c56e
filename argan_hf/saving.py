"""Writes files whole or not at all. If writing fails, no incomplete file is left.

Devices, pipes and links stay what they are: a link keeps its name, and the file that it names is replaced.
"""

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
from PIL import Image

from .encoding import encode_picture
from .special_files import is_descriptor, special_kind, write_through

_UMASK_LOCK = threading.Lock()


def save_picture(image: Image.Image, path: Path, samples: np.ndarray | None = None) -> tuple[str, ...]:
    """Write a picture in the format of the suffix; if writing fails, no incomplete file is left.

    Args:
        image, samples: as for [`encode_picture`].
        path: of the file.

    Returns:
        Sentences on what the format cannot hold.

    Raises:
        ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
        OSError: if the file cannot be written.
    """
    data, notes = encode_picture(image, path.suffix, samples)
    write_whole(data, path)
    return notes


def _umask() -> int:
    """The rights that this process takes from new files. They can only be read by setting them."""
    with _UMASK_LOCK:
        umask = os.umask(0)
        os.umask(umask)
    return umask


def write_whole(data: bytes, path: Path) -> None:
    """Write a file under another name and rename it when it is complete.

    If the process is killed while it writes, only a hidden file that ends in ".part" remains. What is no file (a pipe,
    a device such as /dev/null, an open descriptor such as /dev/stdout) is written to as it is.

    Raises:
        OSError: if the file cannot be written.
    """
    if is_descriptor(path) or special_kind(path):
        write_through(data, path)
        return
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".argan-", suffix=".part")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
