"""JPEG files without their last marker: restored if every pixel is there, refused if the data end early.

Cameras that lose power and programs that cut a byte too many leave such files, and browsers show them. libjpeg fills
what is missing with gray and tells nobody, so a decoder cannot simply be asked.
"""

import io

import numpy as np
from PIL import Image

from .segments import FRAMES, START_OF_SCAN, JpegLayout

_END = b"\xff\xd9"
# What a decoder that still waits for data takes for coefficients: ones, a mixture, and the same after each of the
# restart markers, one of which it may wait for.
_FILLERS = (
    b"\xfe" * 128,
    b"\xb5\x4a\x6d\x92" * 32,
    b"".join(b"\xff" + bytes([marker]) + b"\xb5\x6d" * 16 for marker in range(0xD0, 0xD8)),
)
_COEFFICIENTS = 64


def with_end(data: bytes, layout: JpegLayout) -> bytes | None:
    """A file with the marker that it lacks, if all of its pixels are there.

    The file is decoded as it is, and with some bytes more. A complete picture does not read these; one that ends early
    takes them for its next blocks, and comes out different.

    Args:
        data: the bytes of a file whose layout has no end.
        layout: of this file.

    Returns:
        The bytes of a complete file, or `None` if the data end early, or make no sense.
    """
    # A last byte FF is the first half of the marker.
    kept = data[: layout.stop].rstrip(b"\xff")
    try:
        if layout.is_cut or not _has_all_scans(data, layout):
            return None
        as_it_is = _pixels(kept + _END)
        is_complete = all(np.array_equal(as_it_is, _pixels(kept + more + _END)) for more in _FILLERS)
    except Exception:  # Decoders raise any kind of exception for malformed data.
        return None
    return kept + _END if is_complete else None


def _has_all_scans(data: bytes, layout: JpegLayout) -> bool:
    """Whether every coefficient of every component is there to its last bit: progressive files send them bit by bit."""
    frame = next(segment for segment in layout.segments if segment.marker in FRAMES)
    components = data[frame.start + 6 : frame.end][::3]
    missing = {component: [1] * _COEFFICIENTS for component in components}
    for segment in layout.segments:
        if segment.marker == START_OF_SCAN:
            payload = data[segment.start : segment.end]
            first, last, bits = payload[-3:]
            for component in payload[1 : 1 + 2 * payload[0] : 2]:
                missing[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    return bool(missing) and not any(any(left) for left in missing.values())


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if image.mode == "RGB":
            image.draft("YCbCr", None)  # A conversion to RGB would clip some differences away.
        return np.asarray(image)
