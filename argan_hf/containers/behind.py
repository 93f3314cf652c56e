"""What follows the end of a picture in its file: other pictures, gain maps, videos of phones."""

from .extras import GAIN_MAP, PICTURE, UNKNOWN, VIDEO, Extra
from .segments import read_layout

GAIN_MAP_SIGNS = (b"urn:iso:std:iso:ts:21496:-1\0", b"http://ns.adobe.com/hdr-gain-map/", b"HDRGainMap")
"""What the segments of a gain map hold, one of these."""

_JPEG, _VIDEO = b"\xff\xd8\xff", b"ftyp"
_EMPTY = b"\0\xff \r\n"
# Pictures behind a picture that are looked at; hostile files can have any number.
_MOST = 20


def look_behind(data: bytes) -> list[Extra]:
    """Name what follows the end of a picture; empty space is nothing.

    Args:
        data: the bytes behind the end.
    """
    extras: list[Extra] = []
    while data.strip(_EMPTY):
        if len(extras) == _MOST:
            return [*extras, Extra(f"{UNKNOWN} behind the picture", len(data))]
        size, extra = _next(data)
        extras.append(extra)
        data = data[size:]
    return extras


def _next(data: bytes) -> tuple[int, Extra]:
    """What data start with, and where that ends."""
    start = len(data) - len(data.lstrip(b"\0 \r\n"))
    if data.startswith(_JPEG, start):
        size = read_layout(data[start:]).end or len(data) - start
        return start + size, Extra(GAIN_MAP if _is_gain_map(data[start : start + size]) else PICTURE, size)
    # A video starts with the size of its first box, in four bytes. Some cameras put something before it.
    video, following = data.find(_VIDEO), data.find(_JPEG)
    if video >= 4 and (following < 0 or video < following):
        return len(data), Extra(VIDEO, len(data) - video + 4)
    size = following if following > 0 else len(data)
    return size, Extra(f"{UNKNOWN} behind the picture", size)


def _is_gain_map(data: bytes) -> bool:
    heads = b"".join(data[segment.start : segment.end][:4096] for segment in read_layout(data).segments)
    return any(sign in heads for sign in GAIN_MAP_SIGNS)
