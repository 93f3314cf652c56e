"""Writes JPEG files that Pillow does not write: any sampling factors, any order of scans, restart intervals.

The Huffman codes are the standard ones of ITU-T T.81, K.3. Coefficients are given, so they are known.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

_DC = ((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0), bytes(range(12)))
_AC = (
    (0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125),
    bytes.fromhex(
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a343536373839"
        "3a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7"
        "a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
)
ZIGZAG = np.array(sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8))))


@dataclass(frozen=True)
class Scan:
    """A scan: its components, and of a progressive file the band of coefficients and their bits."""

    components: tuple[int, ...]
    first: int = 0
    last: int = 63
    high: int = 0
    low: int = 0


@dataclass
class _Bits:
    data: bytearray = field(default_factory=bytearray)
    buffer: int = 0
    count: int = 0

    def put(self, value: int, size: int) -> None:
        self.buffer = (self.buffer << size) | (value & ((1 << size) - 1))
        self.count += size
        while self.count >= 8:
            self.count -= 8
            byte = (self.buffer >> self.count) & 255
            self.data += bytes((byte, 0)) if byte == 255 else bytes((byte,))
        self.buffer &= (1 << self.count) - 1

    def flush(self) -> None:
        if self.count:
            self.put((1 << (8 - self.count)) - 1, 8 - self.count)


def _codes(counts: Sequence[int], symbols: bytes) -> dict[int, tuple[int, int]]:
    found, code, at = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for symbol in symbols[at : at + count]:
            found[symbol] = (code, length)
            code += 1
        at += count
        code <<= 1
    return found


_DC_CODES, _AC_CODES = _codes(*_DC), _codes(*_AC)


def write_jpeg(
    coefficients: Sequence[np.ndarray],
    factors: Sequence[tuple[int, int]],
    tables: Sequence[np.ndarray],
    size: tuple[int, int],
    scans: Sequence[Scan],
    *,
    progressive: bool = False,
    interval: int = 0,
    wide: bool = False,
    fill: int = 0,
    later_table: bool = False,
) -> bytes:
    """The bytes of a file.

    Args:
        coefficients: quantized, int (rows, columns, 64), natural order, of each component; rows and columns are padded
            to whole groups of its factors.
        factors: horizontal and vertical sampling factor of each component.
        tables: (64,), natural order, of each component.
        size: (width, height), in pixels.
        scans: in their order.
        progressive: whether scans have bands and bits.
        interval: groups between two restart markers; 0: none.
        wide: whether the tables have 16 bits for each step.
        fill: number of bytes FF before every marker of the header.
        later_table: whether other tables replace all of them behind the first scan.
    """
    width, height = size
    frame = struct.pack(">BHHB", 8, height, width, len(factors))
    frame += b"".join(bytes((index + 1, h << 4 | v, index)) for index, (h, v) in enumerate(factors))
    parts = [b"\xff\xd8"]
    parts += [_table(index, table, wide=wide) for index, table in enumerate(tables)]
    parts.append(_segment(0xC2 if progressive else 0xC0, frame))
    parts += [
        _segment(0xC4, bytes((kind,)) + bytes(counts) + values) for kind, (counts, values) in ((0, _DC), (16, _AC))
    ]
    if interval:
        parts.append(_segment(0xDD, struct.pack(">H", interval)))
    parts[1:] = [b"\xff" * fill + part for part in parts[1:]]
    for number, scan in enumerate(scans):
        if later_table and number == 1:
            parts += [_table(index, np.full(64, 9), wide=wide) for index in range(len(tables))]
        header = bytes((len(scan.components), *(part for one in scan.components for part in (one + 1, 0))))
        parts.append(_segment(0xDA, header + bytes((scan.first, scan.last, scan.high << 4 | scan.low))))
        parts.append(_data(coefficients, factors, size, scan, interval, progressive=progressive))
    return b"".join((*parts, b"\xff\xd9"))


def _table(index: int, table: np.ndarray, *, wide: bool) -> bytes:
    steps = table[ZIGZAG].astype(">u2" if wide else np.uint8).tobytes()
    return _segment(0xDB, bytes((wide << 4 | index,)) + steps)


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _groups(factors: Sequence[tuple[int, int]], size: tuple[int, int], scan: Scan) -> list[list[tuple[int, int, int]]]:
    """The blocks (component, row, column) of each group, in their order."""
    most = [max(factor[axis] for factor in factors) for axis in (0, 1)]
    if len(scan.components) == 1:
        (one,) = scan.components
        sides = [math.ceil(math.ceil(size[axis] * factors[one][axis] / most[axis]) / 8) for axis in (0, 1)]
        return [[(one, row, column)] for row in range(sides[1]) for column in range(sides[0])]
    columns, rows = (-(-size[axis] // (8 * most[axis])) for axis in (0, 1))
    return [
        [
            (one, row * factors[one][1] + y, column * factors[one][0] + x)
            for one in scan.components
            for y in range(factors[one][1])
            for x in range(factors[one][0])
        ]
        for row in range(rows)
        for column in range(columns)
    ]


def _data(
    coefficients: Sequence[np.ndarray],
    factors: Sequence[tuple[int, int]],
    size: tuple[int, int],
    scan: Scan,
    interval: int,
    *,
    progressive: bool,
) -> bytes:
    bits, before = _Bits(), dict.fromkeys(scan.components, 0)
    for number, group in enumerate(_groups(factors, size, scan)):
        if interval and number and number % interval == 0:
            bits.flush()
            bits.data += bytes((0xFF, 0xD0 + (number // interval - 1) % 8))
            before = dict.fromkeys(scan.components, 0)
        for one, row, column in group:
            block = coefficients[one][row, column][ZIGZAG].tolist()
            if scan.first == 0:
                if scan.high:
                    bits.put(block[0] >> scan.low & 1, 1)
                else:
                    value = block[0] >> scan.low
                    _put_dc(bits, value - before[one])
                    before[one] = value
            if not progressive:
                _put_ac(bits, block, 1, 63, 0)
            elif scan.first:
                (_refine_ac if scan.high else _put_ac)(bits, block, scan.first, scan.last, scan.low)
    bits.flush()
    return bytes(bits.data)


def _put_signed(bits: _Bits, value: int, size: int) -> None:
    bits.put(value if value > 0 else value + (1 << size) - 1, size)


def _put_dc(bits: _Bits, difference: int) -> None:
    size = abs(difference).bit_length()
    bits.put(*_DC_CODES[size])
    _put_signed(bits, difference, size)


def _put_ac(bits: _Bits, block: list[int], first: int, last: int, low: int) -> None:
    run = 0
    for index in range(first, last + 1):
        value = (abs(block[index]) >> low) * (1 if block[index] > 0 else -1)
        if value == 0:
            run += 1
            continue
        for _ in range(run // 16):
            bits.put(*_AC_CODES[0xF0])
        size = abs(value).bit_length()
        bits.put(*_AC_CODES[(run % 16) << 4 | size])
        _put_signed(bits, value, size)
        run = 0
    if run:
        bits.put(*_AC_CODES[0])


def _refine_ac(bits: _Bits, block: list[int], first: int, last: int, low: int) -> None:
    """One more bit of each coefficient (`encode_mcu_AC_refine`), without runs of blocks."""
    sizes = {index: abs(block[index]) >> low for index in range(first, last + 1)}
    newest = max((index for index, size in sizes.items() if size == 1), default=-1)
    run, corrections = 0, list[int]()
    for index, size in sizes.items():
        if size == 0:
            run += 1
            continue
        while run > 15 and index <= newest:
            bits.put(*_AC_CODES[0xF0])
            run -= 16
            for bit in corrections:
                bits.put(bit, 1)
            corrections = []
        if size > 1:
            corrections.append(size & 1)
            continue
        bits.put(*_AC_CODES[run << 4 | 1])
        bits.put(int(block[index] > 0), 1)
        for bit in corrections:
            bits.put(bit, 1)
        run, corrections = 0, []
    if run or corrections:
        bits.put(*_AC_CODES[0])
        for bit in corrections:
            bits.put(bit, 1)
