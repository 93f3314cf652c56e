"""Pictures held on the training device, from which batches of crops are cut.

At fixed intervals, a new picture of the stream replaces the oldest one held. Between these, training does not wait for
the stream: any number of crops can be cut from the pictures held.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from .batch import to_device
from .crop_draws import PLACE_BITS, CropDraws
from .degradation_settings import GRID
from .stopping import DataSetError


class PictureSource(Protocol):
    """A resumable stream of pictures: [`PictureStream`] or [`GraphicsStream`]."""

    count: int
    """Pictures returned so far."""

    @property
    def epoch(self) -> int:
        """How often the stream has begun anew."""

    def __iter__(self) -> Iterator[Tensor]: ...

    def __next__(self) -> Tensor:
        """The next picture, RGB, uint8 (3, H, W)."""

    def position_before(self, count: int) -> dict[str, Any]:
        """A place to resume from, at or before the picture with number `count`."""

    def seek(self, place: dict[str, Any]) -> None:
        """Continue from a place that [`position_before`] returned."""

    def close(self) -> None:
        """Stop reading ahead."""


class Reservoir:
    """A ring buffer of uint8 pictures.

    Args:
        size_mib: memory for pictures, in MiB.
        slot_size: the longest side of a picture, in pixels; every slot takes `3 * slot_size ** 2` bytes.
        device: where pictures are kept and crops are cut.

    Attributes:
        capacity: number of slots.
        inserted: number of pictures inserted so far; may be set to resume a count.

    Raises:
        ValueError: if not a single picture fits.
    """

    def __init__(self, size_mib: int, slot_size: int, device: torch.device) -> None:
        self.capacity = size_mib * 2**20 // (3 * slot_size**2)
        if self.capacity < 1:
            raise ValueError(f"a reservoir of {size_mib} MiB holds no picture of {slot_size}x{slot_size}")
        self.device = device
        self._pixels = torch.empty(self.capacity, 3, slot_size, slot_size, dtype=torch.uint8, device=device)
        self._sizes = torch.zeros(self.capacity, 2, dtype=torch.int64, device=device)
        # Where the area of a picture ends, if all are laid in a row: a random place in the row chooses a picture.
        self._ends = torch.zeros(self.capacity, dtype=torch.int64, device=device)
        self.inserted = 0

    def __len__(self) -> int:
        return min(self.inserted, self.capacity)

    @property
    def full(self) -> bool:
        """Whether every slot holds a picture."""
        return self.inserted >= self.capacity

    def insert(self, picture: Tensor) -> None:
        """Store a uint8 (3, H, W) picture in place of the oldest one."""
        slot, (height, width) = self.inserted % self.capacity, picture.shape[1:]
        self._pixels[slot, :, :height, :width] = to_device(picture, self.device)
        for axis, side in enumerate((height, width)):
            self._sizes[slot, axis].fill_(side)
        torch.cumsum(self._sizes.prod(1), 0, out=self._ends)
        self.inserted += 1

    def cut(self, draws: CropDraws, crop_size: int) -> Tensor:
        """Cut random crops, flipped and transposed; pictures are drawn with probability proportional to area.

        Args:
            draws: random numbers for B crops, on the reservoir's device; which of them are graphics does not matter.
            crop_size: S, their side in pixels, at most the shortest side of any picture held.

        Returns:
            uint8 (B, 3, S, S), on the reservoir's device.
        """
        return self._cut(draws.places, draws.flips, None, crop_size, 0)

    def cut_graphics(self, draws: CropDraws, crop_size: int, margin: int) -> Tensor:
        """Cut the crops of a batch that are graphics; some start on the grid of their graphic (16x16).

        Args:
            draws: as for [`cut`].
            crop_size: as for [`cut`]. Crops that are flipped start on the grid, too, if the part that will be
                compressed is a multiple of 16 wide.
            margin: what a crop has on each side around the part that will be compressed, in pixels; it is that part
                that starts on the grid.

        Returns:
            uint8 (G, 3, S, S), on the reservoir's device.
        """
        chosen = draws.graphics
        return self._cut(draws.places[chosen], draws.flips[chosen], draws.on_grid, crop_size, margin)

    def _cut(self, places: Tensor, flips: Tensor, on_grid: Tensor | None, crop_size: int, margin: int) -> Tensor:
        # 1. Picture and corner of every crop.
        slot = self.slots(places)  # (B,)
        corner = (places[:, 1:] * (self._sizes[slot] - crop_size + 1)) >> PLACE_BITS  # (B, 2)
        if on_grid is not None:
            # The last place on the grid before; or the first one, if that lies before the picture. A picture that is
            # hardly larger than the crop may have none.
            aligned = (corner + margin) // GRID * GRID - margin
            aligned = torch.where(aligned < 0, aligned + GRID, aligned)
            fits = on_grid[:, None] & (aligned <= self._sizes[slot] - crop_size)
            corner = torch.where(fits, aligned, corner)
        # 2. In the memory of the reservoir: where the crop starts, and the steps to the next row and column of pixels.
        #    A flipped axis starts at its other end and steps back.
        _, channels, height, width = self._pixels.shape
        axes, transposed = flips[:, :2], flips[:, 2]
        strides = torch.arange(2, device=self.device) * (1 - width) + width  # (2,): width, 1
        start = ((corner + axes * (crop_size - 1)) * strides).sum(1)  # (B,)
        steps = strides * (1 - 2 * axes.long())  # (B, 2)
        steps = torch.where(transposed[:, None], steps.flip(1), steps)[:, :, None, None]  # (B, 2, 1, 1)
        # 3. The places of the samples of the first channel, (B, S, S); those of the others lie one plane further each.
        along = torch.arange(crop_size, device=self.device)
        plane = height * width
        place = (slot * (channels * plane) + start)[:, None, None] + along[:, None] * steps[:, 0] + along * steps[:, 1]
        flat = self._pixels.view(-1)
        crops = [flat[channel * plane :].index_select(0, place.flatten()) for channel in range(channels)]
        return torch.stack([crop.view(place.shape) for crop in crops], 1)

    def slots(self, places: Tensor) -> Tensor:
        """The picture of each of B crops, int64 (B,), by their `places`."""
        return torch.searchsorted(self._ends, (places[:, 0] * self._ends[-1]) >> PLACE_BITS, right=True)


class RefreshedReservoir:
    """A reservoir that a stream refreshes, draw by draw. Its state can be saved and restored exactly.

    New pictures are taken at fixed draws, so that the pictures available to a draw depend on its number only, not on
    the speed of the stream.

    Args:
        stream: where pictures come from.
        reservoir: where they are held.
        canvas_size: side of the crops that will be cut, in pixels; no picture is smaller.
        refresh_interval: draws between two new pictures.

    Attributes:
        draws: number of draws so far.
        waited: seconds spent waiting for the stream; the caller that reports them sets it back to 0.
    """

    def __init__(self, stream: PictureSource, reservoir: Reservoir, *, canvas_size: int, refresh_interval: int) -> None:
        self.stream = stream
        self.reservoir = reservoir
        self.waited = 0.0
        self.draws = 0
        self._canvas_size = canvas_size
        self._refresh_interval = refresh_interval

    def fill(self, progress: Callable[[], object] | None = None) -> None:
        """Insert pictures until the reservoir is full or holds the whole data set.

        Args:
            progress: called after each picture.

        Raises:
            DataSetError: if the data set gives no picture that is large enough.
        """
        for picture in self.stream:
            if self.stream.epoch > 0:
                # The reservoir already holds the whole data set.
                self.stream.close()
                break
            self.reservoir.insert(picture)
            if progress is not None:
                progress()
            if self.reservoir.full:
                break
        if not len(self.reservoir):
            raise self._no_picture()

    def next(self) -> Reservoir:
        """The reservoir as it is for the next draw."""
        if self.draws % self._refresh_interval == 0 and self.reservoir.full:
            start = time.perf_counter()
            self.reservoir.insert(next(self.stream))
            self.waited += time.perf_counter() - start
        self.draws += 1
        return self.reservoir

    def state_dict(self) -> dict[str, Any]:
        """Counters and position; no pixels, because the stream can be read again from the oldest picture."""
        oldest = self.reservoir.inserted - len(self.reservoir)
        return {
            "draws": self.draws,
            "inserted": self.reservoir.inserted,
            "full": self.reservoir.full,
            "stream": self.stream.position_before(oldest),
        }

    def load_state_dict(self, state: dict[str, Any], progress: Callable[[], object] | None = None) -> None:
        """Restore a state from [`state_dict`]; reads the pictures that the reservoir held again.

        Args:
            state: from [`state_dict`].
            progress: called after each picture that is inserted.

        Raises:
            DataSetError: as [`fill`] does.
        """
        self.draws = state["draws"]
        self.stream.seek(state["stream"])
        oldest = max(self.stream.count, state["inserted"] - self.reservoir.capacity)
        self.reservoir.inserted = oldest
        # A reservoir that was full and has more room now is filled up; otherwise it would never be refreshed again.
        while self.reservoir.inserted < state["inserted"] or (state["full"] and not self.reservoir.full):
            number, picture = self.stream.count, next(self.stream, None)
            if picture is None:
                raise self._no_picture()
            if number >= oldest:
                self.reservoir.insert(picture)
                if progress is not None:
                    progress()
        if not self.reservoir.full:
            self.stream.close()

    def _no_picture(self) -> DataSetError:
        return DataSetError(f"no picture of the data set is at least {self._canvas_size} pixels on both sides")
