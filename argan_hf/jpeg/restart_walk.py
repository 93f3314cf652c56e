"""Where the decoding of a scan is: which block and which bit are next, and where the next restart marker is due."""

from .damaged_data import DamagedDataError
from .entropy_data import EntropyData


class RestartWalk:
    """Where a scan is: which block is next, in which part between restart markers, at which bit.

    Attributes:
        position: of the next bit.
        block: number of the next block, in the order of the scan.
        next_restart: number of the block before which the next restart marker lies, or the scan ends.
    """

    def __init__(self, data: EntropyData, count: int, interval: int) -> None:
        """Start a walk.

        Args:
            data: bits of the scan.
            count: number of blocks.
            interval: number of blocks between restart markers; 0 for no markers.
        """
        self._ends = iter(data.ends)
        self._count = count
        self._interval = interval or count
        self.position = 0
        self.block = 0
        self.next_restart = min(self._interval, count)

    def move(self, count: int, position: int) -> int:
        """Go behind `count` blocks, which end at a position, and over a restart marker that follows.

        Returns:
            the position there.

        Raises:
            DamagedDataError: if the part between two markers holds too few or too many bits.
        """
        self.block += count
        self.position = position
        if self.block == self.next_restart:
            end = 8 * next(self._ends)
            if not end - 8 < position <= end:
                raise DamagedDataError("it ends early, or holds data that belong to no block")
            self.position = end
            self.next_restart = min(self.block + self._interval, self._count)
        return self.position
