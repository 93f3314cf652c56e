"""Memory for the coefficients of a picture, and the order in which a scan visits its blocks (T.81, A.2)."""

import numpy as np

from .damaged_data import DamagedDataError
from .markers import Component, Frame

# Blocks whose coefficients are put into natural order at once.
_TOGETHER = 1 << 12
# Largest coefficient of samples of 8 bits: eight times the largest difference to their middle.
_LARGEST = 1024


def _zigzag() -> np.ndarray:
    """Place in the order of a file of each coefficient, int64 (64,) in natural order (T.81, A.3.6)."""
    places = [(row, column) for row in range(8) for column in range(8)]
    # Odd diagonals run from the top right to the bottom left.
    ordered = sorted(places, key=lambda place: (sum(place), place[sum(place) % 2 == 0]))
    return np.array([ordered.index(place) for place in places])


_ZIGZAG = _zigzag()


class StoredBlocks:
    """The coefficients of all components, up to whole groups of blocks.

    Attributes:
        values: int16, 64 for each block, in the order of a file.
        grids: for each component, the part of `values` that is its own, int16 (rows, columns, 64).
        starts: for each component, the index in `values` at which it starts.
    """

    def __init__(self, frame: Frame) -> None:
        self._components = frame.components
        shapes = [
            (frame.group_rows * component.vertical, frame.group_columns * component.horizontal)
            for component in frame.components
        ]
        sizes = [rows * columns * 64 for rows, columns in shapes]
        self.values = np.zeros(sum(sizes), np.int16)
        self.starts = [sum(sizes[:index]) for index in range(len(sizes))]
        self.grids = [
            self.values[start : start + size].reshape(rows, columns, 64)
            for start, size, (rows, columns) in zip(self.starts, sizes, shapes, strict=True)
        ]

    def check(self, member: int, table: np.ndarray) -> None:
        """Check that samples of 8 bits can have such coefficients.

        Decoders disagree about others, which only damaged files hold. What an encoder gets is below 1024 before it is
        rounded to a multiple of its step; twice of that is accepted.

        Args:
            member: index of the component.
            table: its quantization table, int32 (64,), in the order of a file.

        Raises:
            DamagedDataError: if a coefficient is too large.
        """
        blocks = self.grids[member].reshape(-1, 64)
        largest = np.maximum(blocks.max(axis=0).astype(np.int64), -blocks.min(axis=0).astype(np.int64))
        if (largest * table > 2 * _LARGEST + table).any():
            raise DamagedDataError("a coefficient is impossible")

    def natural(self) -> tuple[np.ndarray, ...]:
        """The coefficients of each component in natural order, int16 (rows, columns, 8, 8).

        `values` are overwritten.
        """
        blocks = self.values.reshape(-1, 64)
        for start in range(0, len(blocks), _TOGETHER):
            part = blocks[start : start + _TOGETHER]
            part[:] = part.take(_ZIGZAG, axis=1)
        return tuple(
            np.ascontiguousarray(grid[: component.rows, : component.columns]).reshape(
                component.rows, component.columns, 8, 8
            )
            for grid, component in zip(self.grids, self._components, strict=True)
        )


def natural_table(table: np.ndarray) -> np.ndarray:
    """A quantization table (64,) in the order of a file in natural order, (8, 8)."""
    natural: np.ndarray = table[_ZIGZAG].reshape(8, 8)
    return natural


class CodedOrder:
    """The order in which a scan visits blocks.

    Attributes:
        groups: number of groups of blocks, between which restart markers can lie.
        group_members: for each block of a group, which member of the scan it belongs to.
    """

    def __init__(self, frame: Frame, blocks: StoredBlocks, members: tuple[int, ...]) -> None:
        self._parts: list[tuple[Component, np.ndarray]] = [
            (frame.components[member], blocks.grids[member]) for member in members
        ]
        self._is_single = len(members) == 1
        # For each block of a group: place in the first group, and how much further it is in the next one.
        places, down, right, owners = [], [], [], []
        for owner, (component, grid) in enumerate(self._parts):
            stride = grid.shape[1]
            horizontal, vertical = (1, 1) if self._is_single else (component.horizontal, component.vertical)
            for row in range(vertical):
                for column in range(horizontal):
                    places.append(blocks.starts[members[owner]] + 64 * (row * stride + column))
                    down.append(64 * vertical * stride)
                    right.append(64 * horizontal)
                    owners.append(owner)
        first = self._parts[0][0]
        rows, self._columns = (
            (first.rows, first.columns) if self._is_single else (frame.group_rows, frame.group_columns)
        )
        self.groups = rows * self._columns
        self.group_members = tuple(owners)
        self._places, self._down, self._right = np.array(places), np.array(down), np.array(right)

    @property
    def count(self) -> int:
        """Number of blocks."""
        return self.groups * len(self.group_members)

    def members_of(self, coded: np.ndarray) -> np.ndarray:
        """Which member of the scan blocks belong to; `coded` are their numbers in the order of the scan."""
        found: np.ndarray = np.array(self.group_members).take(coded % len(self.group_members))
        return found

    def places_of(self, coded: np.ndarray) -> np.ndarray:
        """Index in the stored values at which each block starts; `coded` are their numbers in the order of the scan."""
        group, block = np.divmod(coded, len(self.group_members))
        row, column = np.divmod(group, self._columns)
        found: np.ndarray = self._places.take(block) + row * self._down.take(block) + column * self._right.take(block)
        return found

    def first_coefficients(self, member: int) -> np.ndarray:
        """The first coefficient of each block of a member, in the order of the scan.

        Returns:
            int16, a view (rows of groups, rows, columns of groups, columns); rows and columns are those of a group.
        """
        component, grid = self._parts[member]
        if self._is_single:
            return grid[: component.rows, None, : component.columns, None, 0]
        rows, columns = grid.shape[:2]
        across, along = component.vertical, component.horizontal
        return grid[..., 0].reshape(rows // across, across, columns // along, along)
