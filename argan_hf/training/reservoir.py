"""Pictures held on the training device, from which batches of crops are cut.

At fixed intervals, a new picture of the stream replaces the oldest one held. Between these, training does not wait for
the stream: any number of crops can be cut from the pictures held.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .stream import PictureStream


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
        self._sizes = torch.zeros(self.capacity, 2, dtype=torch.int64)
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
        self._pixels[slot, :, :height, :width] = picture.to(self.device, non_blocking=True)
        self._sizes[slot] = torch.tensor((height, width))
        self.inserted += 1

    def sample(self, batch_size: int, crop_size: int, generator: torch.Generator) -> Tensor:
        """Cut random crops, randomly flipped and transposed; pictures are drawn with probability proportional to area.

        Args:
            batch_size: B, number of crops.
            crop_size: S, their side in pixels, at most the shortest side of any picture held.
            generator: source of all random numbers, on the CPU.

        Returns:
            uint8 (B, 3, S, S), on the reservoir's device.

        Raises:
            RuntimeError: if the reservoir is empty.
        """
        if not len(self):
            raise RuntimeError("the reservoir is empty: no picture of the stream was large enough for a crop")
        # 1. Draw picture, corner and flips of every crop on the host, and copy them to the device.
        sizes = self._sizes[: len(self)]  # (pictures, 2)
        slot = torch.multinomial(sizes.prod(dim=1).double(), batch_size, replacement=True, generator=generator)  # (B,)
        corner = (torch.rand(batch_size, 2, generator=generator) * (sizes[slot] - crop_size + 1)).long()  # (B, 2)
        flips = torch.rand(3, batch_size, 1, 1, generator=generator) < 0.5
        slot, corner, flips = (draw.to(self.device, non_blocking=True) for draw in (slot, corner, flips))
        flip_rows, flip_columns, transpose = flips  # (B, 1, 1) each
        # 2. Row and column numbers of every pixel, transposed, then flipped, then moved to the corner.
        steps = torch.arange(crop_size, device=self.device)
        rows, columns = steps[None, :, None], steps[None, None, :]  # (1, S, 1), (1, 1, S)
        rows, columns = torch.where(transpose, columns, rows), torch.where(transpose, rows, columns)  # (B, S, S) both
        rows = torch.where(flip_rows, crop_size - 1 - rows, rows) + corner[:, 0, None, None]
        columns = torch.where(flip_columns, crop_size - 1 - columns, columns) + corner[:, 1, None, None]
        # 3. Advanced indexing puts the channels last: (B, S, S, 3).
        return self._pixels[slot[:, None, None], :, rows, columns].permute(0, 3, 1, 2).contiguous()


class CanvasSource:
    """Batches of canvases, cut from a reservoir that a stream refreshes. Its state can be saved and restored exactly.

    A canvas is the larger crop that a training crop is cut from after degradation. New pictures are taken at fixed
    draws, so that the pictures available to a draw depend on its number only, not on the speed of the stream.

    Args:
        stream: where pictures come from.
        reservoir: where they are held.
        canvas_size: side of the canvases, in pixels.
        refresh_interval: draws between two new pictures.
        seed: of all random numbers.

    Attributes:
        waited: seconds spent waiting for the stream; the caller that reports them sets it back to 0.
        generator: source of all random numbers, on the CPU. The degradation of a batch draws from it, too, so that it
            resumes with the same state.
    """

    def __init__(
        self, stream: PictureStream, reservoir: Reservoir, *, canvas_size: int, refresh_interval: int, seed: int
    ) -> None:
        self.stream = stream
        self.reservoir = reservoir
        self.waited = 0.0
        self._canvas_size = canvas_size
        self._refresh_interval = refresh_interval
        self.generator = torch.Generator().manual_seed(seed)
        self._draws = 0

    def fill(self, progress: Callable[[], object] | None = None) -> None:
        """Insert pictures until the reservoir is full or holds the whole data set.

        Args:
            progress: called after each picture.

        Raises:
            ValueError: if the data set gives no picture that is large enough.
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
            raise ValueError(f"no picture of the data set is at least {self._canvas_size} pixels on both sides")

    def draw(self, batch_size: int) -> Tensor:
        """A batch of canvases, uint8 (B, 3, Z, Z) with Z = `canvas_size`, on the reservoir's device."""
        if self._draws % self._refresh_interval == 0 and self.reservoir.full:
            start = time.perf_counter()
            self.reservoir.insert(next(self.stream))
            self.waited += time.perf_counter() - start
        self._draws += 1
        return self.reservoir.sample(batch_size, self._canvas_size, self.generator)

    def state_dict(self) -> dict[str, Any]:
        """Counters, generator and position; no pixels, because the stream can be read again from the oldest picture."""
        oldest = self.reservoir.inserted - len(self.reservoir)
        return {
            "draws": self._draws,
            "generator": self.generator.get_state(),
            "inserted": self.reservoir.inserted,
            "stream": self.stream.position_before(oldest),
        }

    def load_state_dict(self, state: dict[str, Any], progress: Callable[[], object] | None = None) -> None:
        """Restore a state from [`state_dict`]; reads the pictures that the reservoir held again.

        Args:
            state: from [`state_dict`].
            progress: called after each picture that is inserted.
        """
        self._draws = state["draws"]
        self.generator.set_state(state["generator"])
        self.stream.seek(state["stream"])
        oldest = max(0, state["inserted"] - self.reservoir.capacity)
        self.reservoir.inserted = oldest
        while self.reservoir.inserted < state["inserted"]:
            number, picture = self.stream.count, next(self.stream)
            if number >= oldest:
                self.reservoir.insert(picture)
                if progress is not None:
                    progress()
        if not self.reservoir.full:
            self.stream.close()
