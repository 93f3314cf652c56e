"""JPEG files without their last marker: restored if their data reach to the last block, refused if they end early.

Cameras that lose power and programs that cut a byte too many leave such files, and browsers show them. libjpeg fills
what is missing with gray and tells nobody, so a decoder cannot simply be asked.
"""

import io
import math
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from .segments import FRAMES, RESTART_INTERVAL, START_OF_SCAN, JpegLayout, Segment

_END = b"\xff\xd9"
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_LAST_RESTART = re.compile(rb"\xff[\xd0-\xd7]\Z")
# Files that were reserved on a disk and not written to their end have more zeros than this.
_SHORT_TAIL = 8
_SEQUENTIAL = (0xC0, 0xC1, 0xC9)
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
    try:
        if layout.is_cut or not _has_all_scans(data, layout):
            return None
        for kept in _candidates(data[: layout.stop]):
            if _has_all_intervals(kept, layout) and _is_complete(kept):
                return kept + _END
    except Exception:  # Decoders raise any kind of exception for malformed data.
        return None
    return None


def _candidates(data: bytes) -> Iterator[bytes]:
    """The data up to where they may end: a last byte 00 belongs to the picture, or fills up a file that was cut."""
    # The first half of the marker that is missing, and a restart marker behind the last interval, are of no use.
    whole = _LAST_RESTART.sub(b"", data.rstrip(b"\xff"))
    stripped = data.rstrip(b"\0\xff")
    if len(whole) - len(stripped) <= _SHORT_TAIL:
        yield whole
    # FF 00 is a byte FF of the picture.
    is_cut = data[len(stripped) :].startswith(b"\xff\0")
    yield _LAST_RESTART.sub(b"", stripped + b"\xff\0" if is_cut else stripped)


def _is_complete(data: bytes) -> bool:
    as_it_is = _pixels(data + _END)
    return all(np.array_equal(as_it_is, _pixels(data + more + _END)) for more in _FILLERS)


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
            # Without progression, these bytes say nothing, and some encoders write anything.
            first, last, bits = (0, 63, 0) if frame.marker in _SEQUENTIAL else payload[-3:]
            for component in payload[1 : 1 + 2 * payload[0] : 2]:
                missing[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    return bool(missing) and not any(any(left) for left in missing.values())


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if image.mode == "RGB":
            image.draft("YCbCr", None)  # A conversion to RGB would clip some differences away.
        return np.asarray(image)
