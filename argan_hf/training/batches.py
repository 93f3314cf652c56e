"""Batches for training, made one step ahead: crops cut from the reservoir and degraded, on the training device.

Random numbers belong to the number of a draw, not to what was drawn before it. They are drawn on the host for many
draws at once and copied to the device, which then needs nothing of the host to make a batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .batch import Batch
from .compiling import compiled
from .crop_draws import CropDraws, draw_crops
from .degradation import degrade
from .degradation_draws import DegradationDraws, draw_degradations
from .degradation_settings import DegradationSettings
from .reservoir import RefreshedReservoir, Reservoir

# Draws whose random numbers are drawn at once.
_BLOCK = 32


class _SideStream:
    """A CUDA stream beside that of the training, on which one batch at a time is made."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._made = torch.cuda.Event()

    def make(self, draw: Callable[[], Batch]) -> Batch:
        """Start to make a batch; the host does not wait for it."""
        # The reservoir was filled, and the memory that is used here was freed, on the stream of the training.
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            batch = draw()
            self._made.record()
        return batch

    def hand_over(self, batch: Batch) -> None:
        """Let the stream of the training use the batch that was made last."""
        # It was made beside the step before the last one that was started. So this wait keeps one step in the queue of
        # the device, and no more: neither memory nor the time at which a run ends depend on that queue.
        self._made.synchronize()
        present = torch.cuda.current_stream(self._device)
        present.wait_stream(self._stream)
        for tensor in batch.tensors:
            tensor.record_stream(present)


class BatchSource:
    """Endless batches from a reservoir.

    On CUDA a batch is made beside the step before it, on a stream of its own.

    Args:
        pictures: where crops are cut, refreshed draw by draw.
        settings: of the degradation.
        crop_size: S, side of the crops in pixels.
        num_channels: C, 1 for luma, 3 for Y, Cb, Cr.
        seed: of all random numbers; a number of the run and one of the process.
        graphics: where crops of graphics are cut; `None` for runs on photographs alone.
        graphics_share: share of the crops that are cut there.
        graphics_grid_share: share of those that start on the grid of their graphic.
        torch_compile: whether to compile cutting and degrading.
    """

    def __init__(
        self,
        pictures: RefreshedReservoir,
        settings: DegradationSettings,
        *,
        crop_size: int,
        num_channels: int,
        seed: tuple[int, int],
        graphics: RefreshedReservoir | None = None,
        graphics_share: float = 0.0,
        graphics_grid_share: float = 0.0,
        torch_compile: bool = False,
    ) -> None:
        self._pictures = pictures
        self._settings = settings
        self._crop_size = crop_size
        self._num_channels = num_channels
        self._seed = seed
        self._graphics = graphics
        self._graphics_shares = {"graphics_share": graphics_share, "graphics_grid_share": graphics_grid_share}
        self._make: Callable[[Reservoir, Reservoir | None, CropDraws, DegradationDraws], Batch] = self._make_batch
        if torch_compile:
            self._make = compiled(self._make_batch)
        self._block: tuple[tuple[int, int], CropDraws, DegradationDraws] | None = None
        self._device = pictures.reservoir.device
        self._aside = _SideStream(self._device) if self._device.type == "cuda" else None
        self._ahead: Batch | None = None
        self._state: dict[str, Any] | None = None

    def next(self, batch_size: int) -> Batch:
        """The next batch.

        Args:
            batch_size: B; a batch that was made ahead with another size is still returned.
        """
        if self._aside is None:
            return self._draw(batch_size)
        batch = self._ahead or self._aside.make(lambda: self._draw(batch_size))
        self._aside.hand_over(batch)
        self._state = self._present_state()
        self._ahead = self._aside.make(lambda: self._draw(batch_size))
        return batch

    def state_dict(self) -> dict[str, Any]:
        """The state before the batch that [`next`] returns next."""
        return self._present_state() if self._state is None else self._state

    def load_state_dict(self, state: dict[str, Any], progress: Callable[[], object] | None = None) -> None:
        """Restore a state from [`state_dict`]; `progress` is called after each picture that is read again."""
        self._ahead = self._state = None
        self._pictures.load_state_dict(state, progress)
        if self._graphics is not None:
            if "graphics" in state:
                self._graphics.load_state_dict(state["graphics"], progress)
            else:  # a run that had none until now
                self._graphics.fill(progress)
                self._graphics.draws = self._pictures.draws

    def _present_state(self) -> dict[str, Any]:
        state = self._pictures.state_dict()
        return state if self._graphics is None else {**state, "graphics": self._graphics.state_dict()}

    def _draw(self, batch_size: int) -> Batch:
        crops, degradations = self._random_numbers(self._pictures.draws, batch_size)
        graphics = None if self._graphics is None else self._graphics.next()
        return self._make(self._pictures.next(), graphics, crops, degradations)

    def _random_numbers(self, number: int, batch_size: int) -> tuple[CropDraws, DegradationDraws]:
        """Those of a draw, on the device."""
        block, index = divmod(number, _BLOCK)
        if self._block is None or self._block[0] != (block, batch_size):
            (seed,) = np.random.SeedSequence([*self._seed, block]).generate_state(1, np.uint64).tolist()
            generator = torch.Generator().manual_seed(seed)
            crops = draw_crops(_BLOCK, batch_size, generator, **self._graphics_shares)
            degradations = draw_degradations(
                self._settings, generator, batches=_BLOCK, batch_size=batch_size, num_channels=self._num_channels
            )
            self._block = ((block, batch_size), crops.to(self._device), degradations.to(self._device))
        return self._block[1][index], self._block[2][index]

    def _make_batch(
        self, reservoir: Reservoir, graphics: Reservoir | None, crops: CropDraws, degradations: DegradationDraws
    ) -> Batch:
        canvas_size = self._settings.canvas_size(self._crop_size)
        canvases = reservoir.cut(crops, canvas_size)  # (B, 3, Z, Z)
        if graphics is not None:
            drawn = graphics.cut_graphics(crops, canvas_size, self._settings.margin(self._crop_size))  # (G, 3, Z, Z)
            kept = canvases[crops.graphics]
            drawn = torch.where(crops.is_graphic[:, None, None, None], drawn, kept)
            canvases = canvases.index_copy(0, crops.graphics, drawn)
        pairs = degrade(
            canvases, degradations, self._settings, crop_size=self._crop_size, num_channels=self._num_channels
        )
        return Batch(pairs.degraded / 255.0, pairs.original / 255.0, pairs.quantization, degradations.offset)
