"""What the segments of a JPEG file define: picture, scans, Huffman tables, restart intervals (T.81, Annex B)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..containers.segments import FRAMES, RESTART_INTERVAL, START_OF_SCAN, Segment, read_layout
from .damaged_data import DamagedDataError
from .huffman import HuffmanCodes, standard_codes

_HUFFMAN_TABLES, _QUANTIZATION_TABLES, _NUMBER_OF_LINES = 0xC4, 0xDB, 0xDC
_PROGRESSIVE = 0xC2
# Baseline, extended sequential, progressive: those with Huffman codes.
_READ = {0xC0, 0xC1, _PROGRESSIVE}
_SLOTS = 4
_MOST_COMPONENTS = 4
_MOST_FACTOR = 4
_MOST_BLOCKS = 10


@dataclass(frozen=True)
class Component:
    """A component of the picture: Y, Cb, Cr, …

    Attributes:
        identifier: its name in the file.
        horizontal, vertical: sampling factors, 1..4.
        table: slot of its quantization table.
        rows, columns: of blocks that hold samples of the picture.
    """

    identifier: int
    horizontal: int
    vertical: int
    table: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Frame:
    """The header of the picture.

    Attributes:
        is_progressive: whether it is stored in progressive scans.
        components: 1 to 4.
        group_rows, group_columns: number of groups of blocks (MCU) in scans of several components.
    """

    is_progressive: bool
    components: tuple[Component, ...]
    group_rows: int
    group_columns: int


@dataclass(frozen=True)
class Scan:
    """A scan, and what was defined before it.

    Attributes:
        members: indices of its components.
        tables: quantization table of each member, int32 (64,), in the order of a file.
        dc, ac: Huffman table of each member; `None` if it is missing.
        first, last: its band of coefficients, in the order of a file.
        high: bits below this one were not yet sent; 0 if none was.
        low: the lowest bit that is sent.
        restart_interval: number of groups of blocks between restart markers; 0 for no markers.
        coded: its data, as the file stores them.
    """

    members: tuple[int, ...]
    tables: tuple[np.ndarray, ...]
    dc: tuple[HuffmanCodes | None, ...]
    ac: tuple[HuffmanCodes | None, ...]
    first: int
    last: int
    high: int
    low: int
    restart_interval: int
    coded: bytes


class _Definitions:
    """What the segments defined so far."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.tables: dict[int, np.ndarray] = {}
        self.dc: dict[int, HuffmanCodes] = {}
        self.ac: dict[int, HuffmanCodes] = {}
        self.restart_interval = 0

    def take(self, marker: int, payload: bytes) -> None:
        if marker in FRAMES:
            if self.frame is not None:
                raise DamagedDataError("it has two headers")
            self.frame = _read_frame(marker, payload)
            if not self.frame.is_progressive:
                standard_dc, standard_ac = standard_codes()
                self.dc = dict(enumerate(standard_dc)) | self.dc
                self.ac = dict(enumerate(standard_ac)) | self.ac
        elif marker == _HUFFMAN_TABLES:
            self._take_codes(payload)
        elif marker == _QUANTIZATION_TABLES:
            self._take_tables(payload)
        elif marker == RESTART_INTERVAL:
            if len(payload) != 2:
                raise DamagedDataError("a restart interval has a wrong length")
            self.restart_interval = int.from_bytes(payload, "big")
        elif marker == _NUMBER_OF_LINES:
            raise DamagedDataError("the number of its lines follows later")

    def _take_codes(self, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            kind, slot = payload[at] >> 4, payload[at] & 15
            counts = payload[at + 1 : at + 17]
            at += 17 + sum(counts)
            symbols = payload[at - sum(counts) : at]
            if kind > 1 or slot >= _SLOTS or at > len(payload) or sum(counts) > 256:
                raise DamagedDataError("a Huffman table makes no sense")
            (self.ac if kind else self.dc)[slot] = HuffmanCodes(counts, symbols)

    def _take_tables(self, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            slot, size = payload[at] & 15, 64 * (1 + (payload[at] >> 4 > 0))
            steps = payload[at + 1 : at + 1 + size]
            if slot >= _SLOTS or len(steps) < size:
                raise DamagedDataError("a quantization table has a wrong length")
            self.tables[slot] = np.frombuffer(steps, ">u2" if size > 64 else np.uint8).astype(np.int32)
            at += 1 + size

    def scan(self, payload: bytes, coded: bytes) -> Scan:
        if self.frame is None:
            raise DamagedDataError("a scan precedes the header")
        count = payload[0] if payload else 0
        if not 1 <= count <= _MOST_COMPONENTS or len(payload) != 4 + 2 * count:
            raise DamagedDataError("a scan has a wrong header")
        identifiers = [component.identifier for component in self.frame.components]
        named = payload[1 : 1 + 2 * count : 2]
        members = tuple(identifiers.index(name) if name in identifiers else -1 for name in named)
        # Components come in the order of the header (T.81, B.2.3).
        if members[0] < 0 or list(members) != sorted(set(members)):
            raise DamagedDataError("a scan names a component that the header does not")
        parts = [self.frame.components[member] for member in members]
        if count > 1 and sum(part.horizontal * part.vertical for part in parts) > _MOST_BLOCKS:
            raise DamagedDataError("a scan has too many blocks in a group")
        if any(part.table not in self.tables for part in parts):
            raise DamagedDataError("a quantization table is missing")
        slots = payload[2 : 2 + 2 * count : 2]
        first, last, bits = payload[1 + 2 * count :]
        return Scan(
            members=members,
            tables=tuple(self.tables[part.table] for part in parts),
            dc=tuple(self.dc.get(slot >> 4) for slot in slots),
            ac=tuple(self.ac.get(slot & 15) for slot in slots),
            first=first,
            last=last,
            high=bits >> 4,
            low=bits & 15,
            restart_interval=self.restart_interval,
            coded=coded,
        )


def read_scans(data: bytes) -> Iterator[tuple[Frame, Scan]]:
    """The scans of a file, in their order, each with the header of the picture.

    Args:
        data: the bytes of a file, damaged or not.

    Raises:
        DamagedDataError: if the file has no end, is of a kind that is not read, or what it holds makes no sense.
    """
    layout = read_layout(data)
    if not data.startswith(b"\xff\xd8") or layout.end is None:
        raise DamagedDataError("it is no JPEG file, or ends early")
    definitions = _Definitions()
    for index, segment in enumerate(layout.segments):
        payload = _payload(data, segment)
        if segment.marker != START_OF_SCAN:
            definitions.take(segment.marker, payload)
            continue
        is_last = index + 1 == len(layout.segments)
        stop = layout.stop if is_last else layout.segments[index + 1].start - 4
        scan = definitions.scan(payload, data[segment.end : stop])
        if definitions.frame is not None:
            yield definitions.frame, scan


def _payload(data: bytes, segment: Segment) -> bytes:
    if int.from_bytes(data[segment.start - 2 : segment.start], "big") != segment.end - segment.start + 2:
        raise DamagedDataError("a segment has a wrong length")
    return data[segment.start : segment.end]


def _read_frame(marker: int, payload: bytes) -> Frame:
    count = payload[5] if len(payload) > 5 else 0
    if marker not in _READ or not 1 <= count <= _MOST_COMPONENTS or len(payload) != 6 + 3 * count or payload[0] != 8:
        raise DamagedDataError("its header is damaged or of a kind that is not read")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    entries = [payload[at : at + 3] for at in range(6, len(payload), 3)]
    factors = [(entry[1] >> 4, entry[1] & 15) for entry in entries]
    if min(height, width) < 1 or not all(1 <= factor <= _MOST_FACTOR for pair in factors for factor in pair):
        raise DamagedDataError("its header states an impossible size")
    if len({entry[0] for entry in entries}) < count:
        raise DamagedDataError("two components have the same name")
    most_horizontal, most_vertical = (max(pair[axis] for pair in factors) for axis in (0, 1))
    return Frame(
        is_progressive=marker == _PROGRESSIVE,
        components=tuple(
            Component(
                identifier=entry[0],
                horizontal=horizontal,
                vertical=vertical,
                table=entry[2],
                # Samples as in T.81, A.1.1, then whole blocks.
                rows=_blocks(height * vertical, most_vertical),
                columns=_blocks(width * horizontal, most_horizontal),
            )
            for entry, (horizontal, vertical) in zip(entries, factors, strict=True)
        ),
        group_rows=-(-height // (8 * most_vertical)),
        group_columns=-(-width // (8 * most_horizontal)),
    )


def _blocks(samples: int, divisor: int) -> int:
    return math.ceil(math.ceil(samples / divisor) / 8)
