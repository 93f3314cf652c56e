"""Huffman tables of JPEG files, made ready for decoding many codes at once (ITU-T T.81, Annex C and F.2).

Every table here is indexed by a window: the next 16 bits of the data, which hold the next code whole.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from .damaged_data import DamagedDataError

WINDOWS = 1 << 16
"""Number of windows of 16 bits."""

POSITION_BITS = 20
"""Low bits of a step: by how many bits it moves on. The bits above are the number of coefficients that it passes."""

FULL, END, END_OF_RUN, BAD = 63, 256, 512, 1536
"""What the coefficients of a step say beyond their number, which is at most 63.

`END` is added where no more coefficients of the block follow, `BAD` where the bits are no code. `END_OF_RUN` is added
where several blocks end, whose number takes one more bit to tell, and 64 for each further bit of it.
"""

_LONGEST = 16
_LARGEST_SIZE = 15


class HuffmanCodes(NamedTuple):
    """A table as a file defines it.

    Attributes:
        counts: how many codes there are of each length, 16 bytes.
        symbols: what the codes stand for, in their order.
    """

    counts: bytes
    symbols: bytes


def decoding_table(codes: HuffmanCodes) -> np.ndarray:
    """The next code of every window.

    Returns:
        uint16 (65536): length of the code << 8 | its symbol; 0 where no code starts like that.

    Raises:
        DamagedDataError: if there are more codes than bits for them. No code is all ones.
    """
    lengths = np.repeat(np.arange(1, _LONGEST + 1), np.frombuffer(codes.counts, np.uint8))
    spans = 1 << (_LONGEST - lengths)
    used = int(spans.sum())
    if used >= WINDOWS or len(lengths) != len(codes.symbols):
        raise DamagedDataError("a Huffman table has too many codes")
    table = np.zeros(WINDOWS, np.uint16)
    entries = (lengths << 8 | np.frombuffer(codes.symbols, np.uint8)).astype(np.uint16)
    table[:used] = np.repeat(entries, spans)
    return table


def check_differences(codes: HuffmanCodes) -> None:
    """Check that a table can be one of differences of DC coefficients.

    Raises:
        DamagedDataError: if a symbol is no number of bits.
    """
    if max(codes.symbols, default=0) > _LARGEST_SIZE:
        raise DamagedDataError("a Huffman table holds an impossible symbol")


def dc_steps(table: np.ndarray, has_more: bool) -> np.ndarray:
    """What the DC coefficient of a block moves on, int32 (65536): coefficients << 20 | bits.

    Args:
        table: from [`decoding_table`].
        has_more: whether AC coefficients follow it.
    """
    length, size = (table >> 8).astype(np.int32), (table & 0xFF).astype(np.int32)
    passed = np.where(length == 0, BAD, 0 if has_more else END)
    return passed << POSITION_BITS | length + size


def ac_steps(table: np.ndarray, has_runs: bool) -> np.ndarray:
    """What the next AC coefficient moves on, int32 (65536): coefficients << 20 | bits.

    Args:
        table: from [`decoding_table`].
        has_runs: whether there are symbols for the end of several blocks (progressive files). Their steps do not hold
            the bits of the number of blocks.
    """
    length, size, run = (
        (table >> 8).astype(np.int32),
        (table & 0xF).astype(np.int32),
        (table >> 4 & 0xF).astype(np.int32),
    )
    passed = run + 1
    ends_run = (size == 0) & (run > 0) & (run < 15)
    passed[ends_run] = END_OF_RUN + 64 * (run[ends_run] - 1) if has_runs else BAD
    passed[(size == 0) & (run == 0)] = END
    passed[length == 0] = BAD
    return passed << POSITION_BITS | length + size


def joined_steps(first: np.ndarray, more: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Steps over as many coefficients as lie in a window, int32 (65536).

    The last of them only needs its code in the window, because the code tells how many bits follow it. Steps to the end
    of a run of blocks are never joined to others.

    Args:
        first: steps of the first coefficient.
        more: steps of those behind it.
        lengths: integers (65536), the length of the next code for `more`.
    """
    steps = first.copy()
    mask = (1 << POSITION_BITS) - 1
    # Windows to which a step may be added, and the bits that they have left.
    open_ = np.flatnonzero((first >> POSITION_BITS) < END)
    while len(open_):
        used = steps[open_] & mask
        rest = open_ << used & (WINDOWS - 1)
        found = more[rest]
        fits = (lengths[rest] + used <= _LONGEST) & (found >> POSITION_BITS < END_OF_RUN)
        open_, found = open_[fits], found[fits]
        steps[open_] += found
        # Nothing is joined beyond the last coefficient of any block. So sums stay below `END`.
        passed = steps[open_] >> POSITION_BITS
        open_ = open_[passed < FULL]
    return steps


def _codes(counts: str, symbols: str) -> HuffmanCodes:
    return HuffmanCodes(bytes.fromhex(counts), bytes.fromhex(symbols))


@cache
def standard_codes() -> tuple[tuple[HuffmanCodes, HuffmanCodes], tuple[HuffmanCodes, HuffmanCodes]]:
    """The tables of the JPEG standard (T.81, K.3), for files that leave them out, as Motion JPEG does.

    Returns:
        those of differences of DC coefficients, for luma and chroma, and those of AC coefficients.
    """
    differences = "000102030405060708090a0b"
    return (
        (
            _codes("00010501010101010100000000000000", differences),
            _codes("00030101010101010101010000000000", differences),
        ),
        (_codes("0002010303020403050504040000017d", _LUMA), _codes("00020102040403040705040400010277", _CHROMA)),
    )


# Symbols of AC coefficients: number of zeros << 4 | number of bits.
_LUMA = (
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
    "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_CHROMA = (
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536"
    "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a"
    "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
