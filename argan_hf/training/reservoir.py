"""Pictures held on the training device, from which batches of crops are cut.

At fixed intervals, a new picture of the stream replaces the oldest one held. Between these, training does not wait for
the stream: any number of crops can be cut from the pictures held.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .batch import to_device
from .stopping import DataSetError
from .stream import PictureStream

# Places are drawn as integers of so many bits. 64 bits hold their product with the area of all pictures in a reservoir
# of up to 384 GiB, and places in one of 80 GiB lie 400 pixels apart, where a picture has a hundred thousand.
_BITS = 26


@dataclass(frozen=True)
class CropDraws:
    """Random numbers for the places of B crops; of N batches, if every tensor has an axis N in front.

    Attributes:
        places: int64 (B, 3), 0 .. 2**26 - 1: for the picture, the row and the column.
        flips: bool (B, 3): whether the crop is flipped along rows, along columns, and transposed.
    """

    places: Tensor
    flips: Tensor

    def __getitem__(self, batch: int) -> "CropDraws":
        """The draws of one of N batches."""
        return CropDraws(self.places[batch], self.flips[batch])


def draw_crops(batches: int, batch_size: int, generator: torch.Generator) -> CropDraws:
    """Draw the places of N batches of B crops, with an axis N in front, on the CPU."""
    places = torch.randint(0, 1 << _BITS, (batches, batch_size, 3), generator=generator)
    return CropDraws(places, torch.rand(batches, batch_size, 3, generator=generator) < 0.5)


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
            draws: random numbers for B crops, on the reservoir's device.
            crop_size: S, their side in pixels, at most the shortest side of any picture held.

        Returns:
            uint8 (B, 3, S, S), on the reservoir's device.
        """
        # 1. Picture and corner of every crop.
        slot = self.slots(draws)  # (B,)
        corner = (draws.places[:, 1:] * (self._sizes[slot] - crop_size + 1)) >> _BITS  # (B, 2)
        # 2. In the memory of the reservoir: where the crop starts, and the steps to the next row and column of pixels.
        #    A flipped axis starts at its other end and steps back.
        _, channels, height, width = self._pixels.shape
        flips, transposed = draws.flips[:, :2], draws.flips[:, 2]
        strides = torch.arange(2, device=self.device) * (1 - width) + width  # (2,): width, 1
        start = ((corner + flips * (crop_size - 1)) * strides).sum(1)  # (B,)
        steps = strides * (1 - 2 * flips.long())  # (B, 2)
        steps = torch.where(transposed[:, None], steps.flip(1), steps)[:, :, None, None]  # (B, 2, 1, 1)
        # 3. The places of the samples of the first channel, (B, S, S); those of the others lie one plane further each.
        along = torch.arange(crop_size, device=self.device)
        plane = height * width
        place = (slot * (channels * plane) + start)[:, None, None] + along[:, None] * steps[:, 0] + along * steps[:, 1]
        flat = self._pixels.view(-1)
        crops = [flat[channel * plane :].index_select(0, place.flatten()) for channel in range(channels)]
        return torch.stack([crop.view(place.shape) for crop in crops], 1)

    def slots(self, draws: CropDraws) -> Tensor:
        """The picture of each of B crops, int64 (B,)."""
        return torch.searchsorted(self._ends, (draws.places[:, 0] * self._ends[-1]) >> _BITS, right=True)


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

    def __init__(self, stream: PictureStream, reservoir: Reservoir, *, canvas_size: int, refresh_interval: int) -> None:
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
