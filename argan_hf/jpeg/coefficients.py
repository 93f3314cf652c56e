"""The quantized DCT coefficients of a JPEG file, read from its bits, where there is no doubt about any of them.

Pillow gives decoded samples only. It also decodes damaged files, as well as it can: here they are told from others.
"""

import math

import numpy as np

from .damaged_data import DamagedDataError
from .entropy_data import read_entropy_data
from .markers import Frame, read_scans
from .progressive_scans import SentBits, read_progressive_scan
from .sequential_scans import read_sequential_scan
from .stored_blocks import CodedOrder, StoredBlocks, natural_table

# About as `containers.opening`, which is asked before. Encoders write about ten scans.
_MIN_SCANS, _MAX_SCANS = 30, 500
_MAX_SCANNED_BLOCKS = 15_000_000


def read_coefficients(data: bytes, tables: np.ndarray | None = None) -> tuple[np.ndarray, ...] | None:
    """Read the quantized DCT coefficients of a JPEG file with Huffman coding.

    Args:
        data: the bytes of a file, damaged or not. What follows the end of the picture is ignored.
        tables: integers (components, 8, 8): the quantization tables that the coefficients are to be used with; it is
            checked that they are those of the components.

    Returns:
        for each component int16 (rows, columns, 8, 8), natural order, vertical frequency first; rows and columns of
        blocks that hold samples of the component. `None` if the file is of another kind (arithmetic coding, lossless,
        12 bits, hierarchical), damaged, ends early, or does not send all bits of all coefficients.
    """
    try:
        return _read(data, tables)
    except DamagedDataError:
        return None


def _read(data: bytes, expected: np.ndarray | None) -> tuple[np.ndarray, ...]:
    blocks: StoredBlocks | None = None
    tables: dict[int, np.ndarray] = {}
    for number, (frame, scan) in enumerate(read_scans(data)):
        if blocks is None:
            _check_size(frame, data)
            blocks, sent, seen = StoredBlocks(frame), SentBits(frame), set[int]()
        _check_work(frame, number + 1)
        for member, table in zip(scan.members, scan.tables, strict=True):
            # A component keeps the table that is valid at its first scan; Pillow shows the last one of a file.
            if (tables.setdefault(member, table) != table).any():
                raise DamagedDataError("a quantization table changes")
        order = CodedOrder(frame, blocks, scan.members)
        bits = read_entropy_data(scan.coded, math.ceil(order.groups / (scan.restart_interval or order.groups)))
        if frame.is_progressive:
            sent.note(scan)
            read_progressive_scan(scan, bits, blocks, order)
        elif seen.isdisjoint(scan.members):
            seen.update(scan.members)
            read_sequential_scan(scan, bits, blocks, order)
        else:
            raise DamagedDataError("it holds a component twice")
    if blocks is None or not (sent.is_complete if frame.is_progressive else len(seen) == len(frame.components)):
        raise DamagedDataError("it lacks a part of its coefficients")
    for member, table in tables.items():
        blocks.check(member, table)
    if expected is not None:
        found = [natural_table(table) for _, table in sorted(tables.items())]
        if not np.array_equal(found, expected):
            raise DamagedDataError("its components have other quantization tables")
    return blocks.natural()


def _check_size(frame: Frame, data: bytes) -> None:
    """Refuse sizes that the data cannot hold: every block takes at least a bit."""
    if _count(frame) > 8 * len(data):
        raise DamagedDataError("it ends early")


def _check_work(frame: Frame, scans: int) -> None:
    """Refuse files that only keep a decoder busy: a scan of a few bytes can visit the whole picture."""
    if scans > max(_MIN_SCANS, min(_MAX_SCANS, _MAX_SCANNED_BLOCKS // _count(frame))):
        raise DamagedDataError("it has too many scans")


def _count(frame: Frame) -> int:
    return sum(component.rows * component.columns for component in frame.components)
