"""Scans of progressive files that send one more bit of AC coefficients (T.81, G.1.2.3; `decode_mcu_AC_refine`).

A code says how many coefficients that are still 0 are passed before one becomes 1 or -1. Each coefficient that is
passed and is not 0 has a bit of its own behind the code, which corrects it. So how far a code leads depends on what is
known already: on how many coefficients are not 0 up to the zero that it names. Both are counted beforehand, for many
blocks at once: with F coefficients passed, Z of them zeros, F - Z bits were corrections. The loop over codes decodes no
bit of a coefficient; NumPy does so for all blocks at once.
"""

from dataclasses import dataclass, field

import numpy as np

from .block_decoding import tables_of
from .damaged_data import DamagedDataError
from .entropy_data import EntropyData, Piece, piece_at
from .markers import Scan
from .restart_walk import RestartWalk
from .stored_blocks import CodedOrder, StoredBlocks

# Blocks that are prepared together.
_TOGETHER = 1 << 11

# What a code leads to: number of zeros << 5 | number of bits, for a coefficient that becomes 1 or -1. Larger numbers:
# the same for 16 zeros that stay so; the end of blocks, with the number of bits of their number in place of the zeros;
# no code.
_ZEROS, _END, _BAD = 1 << 12, 1 << 13, 1 << 14


@dataclass
class _Codes:
    """The codes found in a chunk of blocks.

    Attributes:
        starts: position behind each code, and behind its sign or number of blocks: there its corrections start.
        passed: number of coefficients of the chunk that were passed before it.
        zeros: how many of them were 0.
        silent: indices of codes that give no coefficient.
    """

    starts: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    zeros: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)


def refine_band(scan: Scan, data: EntropyData, blocks: StoredBlocks, order: CodedOrder) -> None:
    """Add one bit to a band of the AC coefficients of a component.

    Args:
        scan, data, blocks, order: as for `read_progressive_scan`.

    Raises:
        DamagedDataError: if the data are damaged, or there are too few or too many.
    """
    leads = _leads(tables_of(scan.ac, is_dc=False)[0])
    walk = RestartWalk(data, order.count, scan.restart_interval)
    values = blocks.values.reshape(-1, 64)
    left = 0
    while walk.block < order.count:
        piece = piece_at(data, walk.position)
        while walk.block < order.count and (left or walk.position < piece.base + piece.stop):
            # 1. The band of the next blocks.
            coded = np.arange(walk.block, min(walk.block + _TOGETHER, order.count))
            rows = order.places_of(coded) >> 6
            band = values[rows, scan.first : scan.last + 1]  # (blocks, coefficients)
            # 2. Their codes.
            is_zero = band == 0
            codes = _Codes()
            left, end = _find_codes(leads.data, piece, walk, is_zero, left, codes)
            # 3. Their bits.
            _apply(band.reshape(-1), is_zero.reshape(-1), codes, end, data, piece.base, scan.low)
            values[rows, scan.first : scan.last + 1] = band


def _leads(table: np.ndarray) -> np.ndarray:
    """Where codes lead, int32 (65536), for a table from `decoding_table`."""
    length, size, run = (table >> 8).astype(np.int32), table & 15, (table >> 4 & 15).astype(np.int32)
    leads = (run + 1) << 5 | length + 1
    leads[size == 0] = (_END | run << 5 | length)[size == 0]
    leads[(size == 0) & (run == 15)] = (_ZEROS | 16 << 5 | length)[(size == 0) & (run == 15)]
    leads[(size > 1) | (length == 0)] = _BAD
    return leads


def _find_codes(
    leads: memoryview,
    piece: Piece,
    walk: RestartWalk,
    is_zero: np.ndarray,
    left: int,
    codes: _Codes,
) -> tuple[int, tuple[int, int]]:
    """Find the codes of a chunk of blocks.

    Args:
        leads: from [`_leads`].
        piece: of the data; blocks that start behind it are left.
        walk: is moved behind the blocks.
        is_zero: bool (blocks, coefficients), which coefficients were 0 before.
        left: number of blocks that are known to have no code.
        codes: those found are added.

    Returns:
        the number of further blocks that have no code, and how many coefficients were passed, all and zeros.
    """
    count, width = is_zero.shape
    # Number of coefficients up to each zero, and including it. Entries behind the last one are beyond all blocks.
    behind = np.full(int(np.count_nonzero(is_zero)) + 17, is_zero.size + 1, np.int32)
    behind[1:-16] = np.flatnonzero(is_zero) + 1
    up_to = behind.data
    # Number of zeros before each block.
    zeros_before = [0, *np.cumsum(np.count_nonzero(is_zero, axis=1)).tolist()]
    windows, base, stop = piece.windows.data, piece.base, piece.stop
    starts, passed_before, zeros_passed, silent = codes.starts, codes.passed, codes.zeros, codes.silent
    first, block, restart = walk.block, 0, walk.next_restart - walk.block
    # The next bit is at this position plus the number of corrections before it.
    position = walk.position - base
    while block < count:
        passed, zeros = block * width, zeros_before[block]
        if not left:
            if position + passed - zeros >= stop:
                break
            limit = passed + width
            while passed < limit:
                at = position + passed - zeros
                lead = leads[windows[at]]
                bits = lead & 31
                if lead >= _ZEROS:
                    if lead >= _END:
                        break
                    silent.append(len(starts))
                    lead -= _ZEROS
                starts.append(at + bits)
                passed_before.append(passed)
                zeros_passed.append(zeros)
                position += bits
                zeros += lead >> 5
                passed = up_to[zeros]
            if passed < limit:
                if lead >= _BAD:
                    raise DamagedDataError("its data make no sense")
                size = (lead - _END) >> 5
                left = (1 << size) + (windows[at + bits] >> (16 - size))
                position += bits + size
                if block + left > restart:
                    raise DamagedDataError("a run of blocks is too long")
            elif passed > limit:
                raise DamagedDataError("a block holds too many coefficients")
        if left:
            # What remains of these blocks are corrections.
            silent.append(len(starts))
            starts.append(position + passed - zeros)
            passed_before.append(passed)
            zeros_passed.append(zeros)
            after = block + left
            left = after - count if after > count else 0
            block = after - left
        else:
            block += 1
        if block == restart:
            at = position + block * width - zeros_before[block]
            position += walk.move(first + block - walk.block, base + at) - base - at
            restart = walk.next_restart - first
    passed, zeros = block * width, zeros_before[block]
    if first + block > walk.block:
        walk.move(first + block - walk.block, base + position + passed - zeros)
    return left, (passed, zeros)


def _apply(
    band: np.ndarray,
    is_zero: np.ndarray,
    codes: _Codes,
    end: tuple[int, int],
    data: EntropyData,
    base: int,
    low: int,
) -> None:
    """Decode the bits of the codes of a chunk.

    Args:
        band: int16 (coefficients of all blocks,), changed in place.
        is_zero: bool, same shape, which of them were 0 before.
        codes: of the chunk.
        end: how many coefficients were passed in all, and how many of them were 0.
        data, base: `codes.starts` are relative to the bit `base` of the data.
        low: the bit that is sent.
    """
    starts = np.array(codes.starts, np.int64) + base
    passed = np.array([*codes.passed, end[0]], np.int64)
    corrected = passed - np.array([*codes.zeros, end[1]], np.int64)
    # 1. Corrections: their bits follow the code one after the other.
    counts = np.diff(corrected)
    bits = data.bits_at(np.repeat(starts - corrected[:-1], counts) + np.arange(corrected[-1]))
    places = np.flatnonzero(~is_zero[: end[0]])
    band[places] += np.sign(band[places]) * (bits.astype(np.int16) << low)
    # 2. New coefficients: the last one that a code passes. Their sign is the last bit before the corrections.
    gives = np.ones(len(starts), bool)
    gives[codes.silent] = False
    signs = data.bits_at(starts[gives] - 1)
    band[passed[1:][gives] - 1] = (2 * signs.astype(np.int16) - 1) << low
