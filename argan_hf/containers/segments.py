"""The segments of a JPEG file: where they lie, how many scans there are, where the image ends.

Comments, thumbnails and appended videos can hold the bytes of markers, too. So segments are skipped by their length,
and nothing behind the end of the image counts.
"""

import re
from dataclasses import dataclass

START_OF_SCAN, COMMENT, RESTART_INTERVAL = 0xDA, 0xFE, 0xDD
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of the header of a picture, one for each kind of coding."""

_START_OF_IMAGE, _END_OF_IMAGE, _TEMPORARY = 0xD8, 0xD9, 0x01
# In entropy-coded data, FF 00 is a byte FF, and FF D0 to FF D7 are restart markers.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
# Tables, another scan, the number of lines, comments and application data can follow a scan.
_AFTER_A_SCAN = {0xC4, 0xCC, START_OF_SCAN, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), COMMENT}
_FIRST_ARITHMETIC_FRAME = 0xC9


@dataclass(frozen=True)
class Segment:
    """A marker with a payload.

    Attributes:
        marker: second byte of the marker, 0xE1 for APP1.
        start, end: of the payload in the file, without marker and length.
    """

    marker: int
    start: int
    end: int


@dataclass(frozen=True)
class JpegLayout:
    """Where the parts of a JPEG file lie.

    Attributes:
        segments: all segments before the end of the image, in their order.
        end: position behind the marker of the end of the image; `None` if there is none.
        stop: without such a marker, the position behind the data of the last scan; otherwise that of the marker.
        is_cut: whether the file ends inside of a segment.
    """

    segments: tuple[Segment, ...]
    end: int | None
    stop: int
    is_cut: bool = False

    @property
    def scans(self) -> int:
        """Number of scans: each makes a decoder visit the whole picture."""
        return sum(segment.marker == START_OF_SCAN for segment in self.segments)

    @property
    def is_arithmetic(self) -> bool:
        """Whether the picture is stored with arithmetic coding, which needs less than a bit for a block."""
        return any(segment.marker in FRAMES and segment.marker >= _FIRST_ARITHMETIC_FRAME for segment in self.segments)


def read_layout(data: bytes) -> JpegLayout:
    """Find the segments of a JPEG file.

    Args:
        data: the bytes of the file, damaged or not.
    """
    segments: list[Segment] = []
    position, scanned = 2, False
    while found := _MARKER.search(data, position):
        marker = found[1][0]
        if marker == _END_OF_IMAGE:
            return JpegLayout(tuple(segments), found.end(), found.start())
        if marker in (_TEMPORARY, _START_OF_IMAGE) and not scanned:
            position = found.end()
            continue
        start = found.end() + 2
        end = found.end() + max(2, int.from_bytes(data[found.end() : start], "big"))
        if scanned and (marker not in _AFTER_A_SCAN or end > len(data)):
            return JpegLayout(tuple(segments), None, found.start(), is_cut=marker in _AFTER_A_SCAN)
        segments.append(Segment(marker, start, min(end, len(data))))
        position, scanned = end, scanned or marker == START_OF_SCAN
    return JpegLayout(tuple(segments), None, len(data))
