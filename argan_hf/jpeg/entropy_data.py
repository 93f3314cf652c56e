"""The bits of a scan: bytes freed of stuffing and restart markers, and windows of 16 bits at every bit."""

import re
from dataclasses import dataclass

import numpy as np

from .damaged_data import DamagedDataError

# Bytes of data that are looked at together.
_PIECE_BYTES = 1 << 16
# More than a block can take: 64 coefficients of at most 31 bits.
_MARGIN_BYTES = 512
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_STUFFING = re.compile(rb"\xff+\x00")


@dataclass(frozen=True)
class EntropyData:
    """The data of a scan.

    Attributes:
        data: the bytes, without stuffing and markers.
        ends: position in `data`, in bytes, behind each part between two restart markers.
    """

    data: np.ndarray
    ends: tuple[int, ...]

    @property
    def bits(self) -> int:
        """Number of bits."""
        return 8 * len(self.data)

    def bits_at(self, positions: np.ndarray) -> np.ndarray:
        """Single bits, uint8; any bits beyond the end.

        Args:
            positions: int64, in bits.
        """
        if not len(self.data):
            return np.zeros(positions.shape, np.uint8)
        octets = self.data.take(positions >> 3, mode="clip")
        bits: np.ndarray = octets >> (7 - (positions & 7)).astype(np.uint8) & 1
        return bits


def read_entropy_data(coded: bytes, count: int) -> EntropyData:
    """Take the data of a scan apart (T.81, B.1.1.5 and F.1.2.3).

    Args:
        coded: the bytes between the header of the scan and the next marker that is no restart marker.
        count: number of parts, between which restart markers lie.

    Raises:
        DamagedDataError: if the restart markers are not in their order, too few or too many.
    """
    parts = _RESTART.split(coded, count)
    numbers = b"".join(parts[1::2])
    if len(numbers) != count - 1 or any(number != 0xD0 + index % 8 for index, number in enumerate(numbers)):
        raise DamagedDataError("a restart marker is missing, or there is one too many")
    # A marker may have more bytes FF in front of it.
    plain = [_unstuffed(part.rstrip(b"\xff")) for part in parts[::2]]
    ends, end = [], 0
    for part in plain:
        end += len(part)
        ends.append(end)
    return EntropyData(np.frombuffer(b"".join(plain), np.uint8), tuple(ends))


def _unstuffed(part: bytes) -> bytes:
    if b"\xff\xff" in part:
        return _STUFFING.sub(b"\xff", part)
    return part.replace(b"\xff\x00", b"\xff")


@dataclass(frozen=True)
class Piece:
    """A piece of the data of a scan.

    Attributes:
        windows: uint16, the next 16 bits at every bit of the piece, and of what a block can take beyond it.
        base: position of its first bit in the data.
        stop: number of its bits. Blocks that start there or later belong to the next piece.
    """

    windows: np.ndarray
    base: int
    stop: int


def piece_at(data: EntropyData, position: int) -> Piece:
    """The piece of the data that starts with the byte in which a bit lies.

    Args:
        data: of the scan; zeros follow its last byte.
        position: of the bit.

    Raises:
        DamagedDataError: if the position is behind the data.
    """
    start = position >> 3
    part = data.data[start : start + _PIECE_BYTES + _MARGIN_BYTES]
    if not len(part):
        raise DamagedDataError("it ends early")
    size = min(_PIECE_BYTES, len(part))
    padded = np.zeros(size + _MARGIN_BYTES + 2, np.uint32)
    padded[: len(part)] = part
    three = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]  # (bytes,)
    windows = np.empty((len(three), 8), np.uint16)
    for bit in range(8):
        windows[:, bit] = three >> (8 - bit)
    return Piece(windows.reshape(-1), 8 * start, 8 * size)
