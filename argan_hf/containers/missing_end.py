"""JPEG files without their last marker: restored if every pixel is there, refused if the data end early.

Cameras that lose power and programs that cut a byte too many leave such files, and browsers show them. libjpeg fills
what is missing with gray and tells nobody, so a decoder cannot simply be asked.
"""

import io

import numpy as np
from PIL import Image

from .segments import JpegLayout

_END = b"\xff\xd9"
# Codes of any Huffman table: where a decoder still waits for data, it takes these for coefficients.
_FILLER = bytes(range(1, 0xF0, 3)) * 4


def with_end(data: bytes, layout: JpegLayout) -> bytes | None:
    """A file with the marker that it lacks, if all of its pixels are there.

    The file is decoded twice: as it is, and with some bytes more. A complete picture does not read these; one that ends
    early takes them for its next blocks, and comes out different.

    Args:
        data: the bytes of a file whose layout has no end.
        layout: of this file.

    Returns:
        The bytes of a complete file, or `None` if the data end early, or make no sense.
    """
    if layout.scans == 0:
        return None
    # A last byte FF is the first half of the marker.
    kept = data[: layout.stop].rstrip(b"\xff")
    try:
        as_it_is, filled = (_pixels(kept + more + _END) for more in (b"", _FILLER))
    except Exception:  # Decoders raise any kind of exception for malformed data.
        return None
    return kept + _END if np.array_equal(as_it_is, filled) else None


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if image.mode == "RGB":
            image.draft("YCbCr", None)  # A conversion to RGB would clip some differences away.
        return np.asarray(image)
