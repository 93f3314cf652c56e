"""Finds where the blocks of a scan start, and decodes all that were found at once.

A block starts where the one before ends, so starts are found one after the other. That is the only loop over codes. It
looks up how far the next 16 bits lead, several coefficients at a time, and decodes none of them. NumPy then decodes the
first coefficient of all blocks, then the second, …, from the blocks that have one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .damaged_data import DamagedDataError
from .entropy_data import Piece
from .huffman import (
    END,
    FULL,
    POSITION_BITS,
    HuffmanCodes,
    ac_steps,
    check_differences,
    dc_steps,
    decoding_table,
    joined_steps,
)

POSITION_MASK = (1 << POSITION_BITS) - 1
FULL_STATE = FULL << POSITION_BITS

# Below this many bits of data, tables of several coefficients take longer to make than they save.
_WORTH_JOINING = 1 << 17


@dataclass(frozen=True)
class Steps:
    """How far windows lead in the blocks of a component, each int32 (65536) as [`joined_steps`] returns it.

    A block is walked with a state: coefficients << 20 | position in bits. Steps are added to it.

    Attributes:
        first: from the start of a block.
        more: from any later coefficient.
        one_first, one: the same for one coefficient only.
    """

    first: memoryview
    more: memoryview
    one_first: memoryview
    one: memoryview


def block_steps(dc: np.ndarray | None, ac: np.ndarray | None, has_runs: bool, bits: int) -> Steps:
    """The steps for blocks with a DC coefficient, AC coefficients, or both.

    Args:
        dc, ac: tables from [`decoding_table`], or `None`.
        has_runs: whether there are codes for the end of several blocks.
        bits: number of bits in the scan.
    """
    one_first = more = one = joined = np.zeros(0, np.int32)
    if ac is not None:
        one_first = one = ac_steps(ac, has_runs)
        joined = joined_steps(one, one, ac >> 8) if bits > _WORTH_JOINING else one
    first = more = joined
    if dc is not None:
        first = one_first = dc_steps(dc, has_more=ac is not None)
        if ac is not None and bits > _WORTH_JOINING:
            first = joined_steps(one_first, one, ac >> 8)
    return Steps(*(steps.data for steps in (first, more, one_first, one)))


def find_blocks(piece: Piece, state: int, steps: Iterable[Steps], found: list[int]) -> int:
    """Walk through blocks of which every one is coded.

    Args:
        piece: of the data; blocks that start behind it are left.
        state: position of the first block in the piece.
        steps: for each block in turn.
        found: the positions of the blocks in the piece are appended to it.

    Returns:
        position behind the last block, in the piece.

    Raises:
        DamagedDataError: if there are bits that are no code, or too many coefficients.
    """
    windows, stop, append = piece.windows.data, piece.stop, found.append
    for part in steps:
        if state >= stop:
            break
        append(state)
        last, more = state, part.more
        state += part.first[windows[state]]
        while state < FULL_STATE:
            last = state
            state += more[windows[state & POSITION_MASK]]
        passed = state >> POSITION_BITS
        if passed != FULL and not END <= passed < END + FULL:
            # The last step may have led into the next block.
            state = walk_singly(windows, last, part.one_first if last == found[-1] else part.one, part.one)
            passed = state >> POSITION_BITS
            if passed != FULL and not END <= passed < END + FULL:
                raise DamagedDataError("its data make no sense")
        state &= POSITION_MASK
    return state


def walk_singly(windows: memoryview, state: int, first: memoryview, more: memoryview) -> int:
    """The state behind a block, with steps of one coefficient."""
    state += first[windows[state & POSITION_MASK]]
    while state < FULL_STATE:
        state += more[windows[state & POSITION_MASK]]
    return state


# What is subtracted from the bits of a negative coefficient, by their number (T.81, F.2.2.1, EXTEND).
_NEGATIVE = ((1 << np.arange(16)) - 1).astype(np.int32)


def _take_values(windows: np.ndarray, positions: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Values of coefficients, int32; `positions` of their codes are moved behind their bits."""
    positions += entries >> 8
    bits = windows.take(positions)
    sizes = entries & 15
    positions += sizes
    values: np.ndarray = (bits >> (16 - sizes)).astype(np.int32)
    values -= _NEGATIVE.take(sizes) * (bits < 1 << 15)
    return values


def decode_differences(
    values: np.ndarray,
    windows: np.ndarray,
    positions: np.ndarray,
    places: np.ndarray,
    tables: np.ndarray,
    which: np.ndarray,
) -> None:
    """Decode the first coefficient of blocks, as the difference to the block before.

    Args:
        values: int16; differences are written at `places`.
        windows: of a piece of the data.
        positions: int64 (blocks,), in the piece, moved behind the bits that were decoded.
        places: int64 (blocks,).
        tables: uint16 (tables, 65536) from [`decoding_table`].
        which: int64 (blocks,), table of each block.
    """
    entries = tables.reshape(-1).take((which << 16) + windows.take(positions))
    values[places] = _take_values(windows, positions, entries)


def decode_bands(
    values: np.ndarray,
    windows: np.ndarray,
    positions: np.ndarray,
    places: np.ndarray,
    tables: np.ndarray,
    which: np.ndarray,
    band: tuple[int, int],
    low: int,
) -> None:
    """Decode a band of coefficients of blocks that were found to be whole.

    Args:
        values, windows, positions, places, tables, which: as for [`decode_differences`].
        band: first and last coefficient, in the order of a file.
        low: the lowest bit that is sent.
    """
    flat = tables.reshape(-1)
    offsets = which << 16
    # Index in `values` of the next coefficient, and of the last one of the block.
    at, last = places + (band[0] - 1), places + band[1]
    while len(at):
        entries = flat.take(offsets + windows.take(positions))
        symbols = entries & 0xFF
        at += (symbols >> 4) + 1
        found = _take_values(windows, positions, entries)
        is_value = (symbols & 15) > 0
        goes_on = is_value | (symbols == 0xF0)
        # A run of zeros writes a zero where one is.
        values[at[goes_on]] = found[goes_on] << low
        goes_on &= at < last
        at, last, positions, offsets = at[goes_on], last[goes_on], positions[goes_on], offsets[goes_on]


def tables_of(codes: tuple[HuffmanCodes | None, ...], is_dc: bool) -> np.ndarray:
    """The tables of the members of a scan, uint16 (members, 65536), as [`decoding_table`] returns them.

    Raises:
        DamagedDataError: if one is missing, or makes no sense.
    """
    tables = []
    for one in codes:
        if one is None:
            raise DamagedDataError("a Huffman table is missing")
        if is_dc:
            check_differences(one)
        tables.append(decoding_table(one))
    return np.stack(tables)
