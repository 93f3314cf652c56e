"""Scans whose blocks are all coded: all of sequential files, and the first of DC coefficients in progressive ones.

ITU-T T.81, F.2 and G.1.2.1; `decode_mcu` in jdhuff.c, `decode_mcu_DC_first` in jdphuff.c.
"""

from itertools import cycle, islice

import numpy as np

from .block_decoding import block_steps, decode_bands, decode_differences, find_blocks, tables_of
from .damaged_data import DamagedDataError
from .entropy_data import EntropyData, piece_at
from .markers import Scan
from .restart_walk import RestartWalk
from .stored_blocks import CodedOrder, StoredBlocks


def read_sequential_scan(
    scan: Scan, data: EntropyData, blocks: StoredBlocks, order: CodedOrder, has_ac: bool = True
) -> None:
    """Decode a scan in which every block is coded.

    Args:
        scan: its header.
        data: its bits.
        blocks: the coefficients are written there.
        order: of the blocks in the scan.
        has_ac: whether AC coefficients follow the DC coefficient of a block, as in sequential files. Otherwise the
            lowest bits of the DC coefficient are not yet sent.

    Raises:
        DamagedDataError: if the data are damaged, or there are too few or too many.
    """
    if order.count > data.bits:
        raise DamagedDataError("it ends early")
    # 1. Tables of the members, and the steps for the blocks of a group.
    dc = tables_of(scan.dc, is_dc=True)  # (members, 65536)
    ac = tables_of(scan.ac, is_dc=False) if has_ac else None
    tables = list(zip(scan.dc, scan.ac, strict=True))  # (members,)
    # Members often share their tables.
    steps_of = {
        tables[member]: block_steps(dc[member], None if ac is None else ac[member], has_runs=False, bits=data.bits)
        for member in {tables.index(pair) for pair in tables}
    }
    group = [steps_of[tables[member]] for member in order.group_members]
    walk = RestartWalk(data, order.count, scan.restart_interval * len(group))
    # 2. Find the blocks of a piece of the data, then decode them.
    while walk.block < order.count:
        piece = piece_at(data, walk.position)
        state, begun, found = walk.position - piece.base, walk.block, list[int]()
        while state < piece.stop and walk.block < order.count:
            before, left = len(found), walk.next_restart - walk.block
            steps = islice(cycle(group), walk.block % len(group), walk.block % len(group) + left)
            state = find_blocks(piece, state, steps, found)
            state = walk.move(len(found) - before, piece.base + state) - piece.base
        positions, coded = np.array(found), np.arange(begun, walk.block)  # (blocks,)
        places, members = order.places_of(coded), order.members_of(coded)
        decode_differences(blocks.values, piece.windows, positions, places, dc, members)
        if ac is not None:
            decode_bands(blocks.values, piece.windows, positions, places, ac, members, (1, 63), low=0)
    # 3. Differences to coefficients.
    for member in range(len(scan.members)):
        _sum_differences(order.first_coefficients(member), scan.restart_interval, 0 if has_ac else scan.low)


def _sum_differences(first: np.ndarray, interval: int, low: int) -> None:
    """Turn differences of DC coefficients into the coefficients, in place.

    Args:
        first: int16 (rows of groups, rows, columns of groups, columns).
        interval: number of groups after which a sum starts anew; 0 for never.
        low: the lowest bit that was sent.
    """
    ordered = first.swapaxes(1, 2)  # (rows of groups, columns of groups, rows, columns)
    sums = np.cumsum(ordered, dtype=np.int64).reshape(ordered.shape)
    if interval:
        flat = sums.reshape(ordered.shape[0] * ordered.shape[1], -1)  # (groups, blocks of a group)
        before = flat[interval - 1 : len(flat) - 1 : interval, -1].copy()  # (restarts,)
        flat[interval:] -= np.repeat(before, interval)[: len(flat) - interval, None]
    sums <<= low
    if sums.max() > np.iinfo(np.int16).max or sums.min() < np.iinfo(np.int16).min:
        raise DamagedDataError("a coefficient is impossible")
    ordered[...] = sums
