"""Scans of progressive files: the order in which they send bits, and those that send coefficients for the first time.

ITU-T T.81, Annex G; `start_pass_phuff_decoder`, `decode_mcu_DC_refine` and `decode_mcu_AC_first` in jdphuff.c.
"""

import numpy as np

from .block_decoding import FULL_STATE, POSITION_MASK, Steps, block_steps, decode_bands, tables_of, walk_singly
from .damaged_data import DamagedDataError
from .entropy_data import EntropyData, Piece, piece_at
from .huffman import BAD, END, END_OF_RUN, FULL, POSITION_BITS
from .markers import Frame, Scan
from .refining_scans import refine_band
from .restart_walk import RestartWalk
from .sequential_scans import read_sequential_scan
from .stored_blocks import CodedOrder, StoredBlocks

_MOST_LOW = 13
# Blocks of which one bit each is decoded at once.
_TOGETHER = 1 << 16


class SentBits:
    """Which bits of the coefficients were sent."""

    def __init__(self, frame: Frame) -> None:
        # The lowest bit of each coefficient, in the order of a file, that was sent; -1: none.
        self._lowest = np.full((len(frame.components), 64), -1)

    def note(self, scan: Scan) -> None:
        """Note what a scan sends.

        Raises:
            DamagedDataError: if these bits are not due.
        """
        is_dc = scan.first == scan.last == 0
        is_band = 1 <= scan.first <= scan.last < 64 and len(scan.members) == 1
        if not (is_dc or is_band) or scan.low > _MOST_LOW or (scan.high and scan.low != scan.high - 1):
            raise DamagedDataError("a progressive scan makes no sense")
        members = list(scan.members)
        sent = self._lowest[members, scan.first : scan.last + 1]
        if (sent != (scan.high or -1)).any() or (is_band and self._lowest[members[0], 0] < 0):
            raise DamagedDataError("progressive scans are not in their order")
        self._lowest[members, scan.first : scan.last + 1] = scan.low

    @property
    def is_complete(self) -> bool:
        """Whether all bits of all coefficients were sent."""
        return not self._lowest.any()


def read_progressive_scan(scan: Scan, data: EntropyData, blocks: StoredBlocks, order: CodedOrder) -> None:
    """Decode a scan of a progressive file.

    Args:
        scan: its header, which [`SentBits`] accepted.
        data: its bits.
        blocks: the coefficients sent so far, to which those of the scan are added.
        order: of the blocks in the scan.

    Raises:
        DamagedDataError: if the data are damaged, or there are too few or too many.
    """
    if scan.first == 0 and scan.high == 0:
        read_sequential_scan(scan, data, blocks, order, has_ac=False)
    elif scan.first == 0:
        _refine_first_coefficients(scan, data, blocks, order)
    elif scan.high == 0:
        _read_band(scan, data, blocks, order)
    else:
        refine_band(scan, data, blocks, order)


def _refine_first_coefficients(scan: Scan, data: EntropyData, blocks: StoredBlocks, order: CodedOrder) -> None:
    """One more bit of the DC coefficient of each block."""
    interval = scan.restart_interval * len(order.group_members) or order.count
    # Blocks and bytes in front of each restart marker, and of the end.
    ends = [min(end, order.count) for end in range(interval, order.count + interval, interval)]
    part = (interval + 7) // 8
    last = (order.count - (len(ends) - 1) * interval + 7) // 8
    if data.ends != (*range(part, part * len(ends), part), part * (len(ends) - 1) + last):
        raise DamagedDataError("it ends early, or holds data that belong to no block")
    for start in range(0, order.count, _TOGETHER):
        coded = np.arange(start, min(start + _TOGETHER, order.count))
        past, block = np.divmod(coded, interval)
        bits = data.bits_at(past * (8 * part) + block)
        blocks.values[order.places_of(coded)] |= bits.astype(np.int16) << scan.low


def _read_band(scan: Scan, data: EntropyData, blocks: StoredBlocks, order: CodedOrder) -> None:
    """The higher bits of a band of AC coefficients."""
    tables = tables_of(scan.ac, is_dc=False)  # (1, 65536)
    steps = block_steps(None, tables[0], has_runs=True, bits=data.bits)
    walk = RestartWalk(data, order.count, scan.restart_interval)
    # Coefficients outside of the band count as passed.
    outside = (FULL - (scan.last - scan.first + 1)) << POSITION_BITS
    while walk.block < order.count:
        piece = piece_at(data, walk.position)
        state, found, numbers = walk.position - piece.base, list[int](), list[int]()
        while state < piece.stop and walk.block < order.count:
            state, block = _find_bands(piece, state, steps, outside, (walk.block, walk.next_restart), found, numbers)
            state = walk.move(block - walk.block, piece.base + state) - piece.base
        positions, places = np.array(found, np.int64), order.places_of(np.array(numbers, np.int64))
        which = np.zeros(len(found), np.int64)
        decode_bands(blocks.values, piece.windows, positions, places, tables, which, (scan.first, scan.last), scan.low)


def _find_bands(
    piece: Piece,
    state: int,
    steps: Steps,
    outside: int,
    span: tuple[int, int],
    found: list[int],
    numbers: list[int],
) -> tuple[int, int]:
    """Walk through blocks of which only some are coded.

    Args:
        piece, state, found: as for `find_blocks`.
        steps: of the only component.
        outside: state of a block at position 0.
        span: number of the first block, and of the one before which to stop.
        numbers: the numbers of the blocks at the positions `found` are appended to it.

    Returns:
        position behind the last block in the piece, and the number of the next one.
    """
    windows, stop, first, more = piece.windows.data, piece.stop, steps.first, steps.more
    block, end = span
    while block < end and state < stop:
        found.append(state)
        numbers.append(block)
        block += 1
        state += outside
        last = state
        state += first[windows[state & POSITION_MASK]]
        while state < FULL_STATE:
            last = state
            state += more[windows[state & POSITION_MASK]]
        passed = state >> POSITION_BITS
        if passed != FULL and not END <= passed < END + FULL:
            if FULL < passed < END_OF_RUN:
                # The last step may have led into the next block.
                state = walk_singly(windows, last, steps.one, steps.one)
                passed = state >> POSITION_BITS
            is_run = END_OF_RUN <= passed < BAD and passed % 64 < FULL
            if not is_run and passed != FULL and not END <= passed < END + FULL:
                raise DamagedDataError("its data make no sense")
            if is_run:
                size = (passed - END_OF_RUN) // 64 + 1
                position = state & POSITION_MASK
                block += (1 << size) - 1 + (windows[position] >> (16 - size))
                state = position + size
                if block > end:
                    raise DamagedDataError("a run of blocks is too long")
        state &= POSITION_MASK
    return state, block
