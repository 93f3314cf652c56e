"""JPEG files without their last marker: restored if every pixel is there, refused if the data end early.

Cameras that lose power and programs that cut a byte too many leave such files, and browsers show them. libjpeg fills
what is missing with gray and tells nobody, so a decoder cannot simply be asked.
"""

import io
import math
import re

import numpy as np
from PIL import Image

from .segments import FRAMES, RESTART_INTERVAL, START_OF_SCAN, JpegLayout, Segment

_END = b"\xff\xd9"
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# What a decoder that still waits for data takes for coefficients: ones, and a mixture.
_FILLERS = (b"\xfe" * 128, b"\xb5\x4a\x6d\x92" * 32)
_COEFFICIENTS = 64


def with_end(data: bytes, layout: JpegLayout) -> bytes | None:
    """A file with the marker that it lacks, if its data reach to the last block of the picture.

    The file is decoded as it is, and with some bytes more. A complete picture does not read these; one that ends early
    takes them for its next blocks, and comes out different.

    Args:
        data: the bytes of a file whose layout has no end.
        layout: of this file.

    Returns:
        The bytes of a complete file, or `None` if the data end early, or make no sense.
    """
    kept = _without_padding(data[: layout.stop])
    try:
        if layout.is_cut or not _has_all_scans(data, layout) or not _has_all_intervals(kept, layout):
            return None
        as_it_is = _pixels(kept + _END)
        is_complete = all(np.array_equal(as_it_is, _pixels(kept + more + _END)) for more in _FILLERS)
    except Exception:  # Decoders raise any kind of exception for malformed data.
        return None
    return kept + _END if is_complete else None


def _without_padding(data: bytes) -> bytes:
    """Data without what fills up a file that was never written to its end: zeros, or the first half of a marker."""
    kept = data.rstrip(b"\0\xff")
    # FF 00 is a byte FF of the picture.
    return kept + b"\xff\0" if data[len(kept) :].startswith(b"\xff\0") else kept


def _has_all_intervals(data: bytes, layout: JpegLayout) -> bool:
    """Whether there are as many restart markers as there must be: a decoder fills missing intervals without a word."""
    frame = next(segment for segment in layout.segments if segment.marker in FRAMES)
    interval = 0
    following = [*layout.segments[1:], None]
    for segment, after in zip(layout.segments, following, strict=True):
        if segment.marker == RESTART_INTERVAL:
            interval = int.from_bytes(data[segment.start : segment.end], "big")
        elif segment.marker == START_OF_SCAN and interval:
            scan = data[segment.end : after.start - 4 if after else len(data)]
            expected = math.ceil(_units(data, frame, segment) / interval) - 1
            if len(_RESTART.findall(scan)) != expected:
                return False
    return True


def _units(data: bytes, frame: Segment, scan: Segment) -> int:
    """The number of coded units (MCUs) of a scan: blocks of one component, or groups of blocks of several."""
    header = data[frame.start : frame.end]
    height, width = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big")
    factors = {header[place]: divmod(header[place + 1], 16) for place in range(6, len(header), 3)}
    most = [max(factor[axis] for factor in factors.values()) for axis in (0, 1)]
    components = data[scan.start + 1 : scan.end][: 2 * data[scan.start] : 2]
    if len(components) > 1:
        return math.ceil(width / (8 * most[0])) * math.ceil(height / (8 * most[1]))
    own = factors[components[0]]
    sides = (math.ceil(math.ceil(size * own[axis] / most[axis]) / 8) for axis, size in enumerate((width, height)))
    return math.prod(sides)


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
