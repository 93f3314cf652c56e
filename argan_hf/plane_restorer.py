"""Runs a network over planes: on its device, in its dtype, in tiles, at a realism.

It knows planes and quantization tables, neither files nor pictures.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .onednn_caches import bound_caches
from .precision import preferred_dtype
from .tiling import receptive_margin, run_tiled
from .variants import WeightInterpolation

TILE_SIZE = 1280
"""Default side of the tiles, in pixels."""


class PlaneRestorer:
    """A network that restores planes of any size.

    Args:
        model: a trained network of this package, or one with the same inputs and outputs (`pixel_values`,
            `quantization`, `reconstruction`) whose configuration has `num_channels`, `size_divisor` and
            `condition_on_quantization`.
        device: where it runs; default: the first accelerator, else the CPU.
        tile_size: side of the tiles of large pictures, in pixels, rounded up to a multiple of the network's size
            divisor, or of 16 if that is larger. Smaller tiles need less memory and more time.
        dtype: of the convolutions, float32 or bfloat16; default: [`preferred_dtype`].
        realism_model: the network at realism 1, of the same architecture as `model`, or a function that loads it.

    Attributes:
        margin: radius of the receptive field, in pixels; the network gets this much around every tile.

    Raises:
        ValueError: if `tile_size` is not positive.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        device: str | torch.device | None = None,
        *,
        tile_size: int = TILE_SIZE,
        dtype: torch.dtype | None = None,
        realism_model: PreTrainedModel | Callable[[], PreTrainedModel] | None = None,
    ) -> None:
        if tile_size < 1:
            raise ValueError(f"tile_size must be positive, found {tile_size}")
        bound_caches()
        self.tile_size = tile_size
        self.device = torch.device(device) if device else _default_device()
        # Before the model moves: where a GPU is lent to single functions (ZeroGPU), it cannot be used here.
        self.margin = receptive_margin(
            lambda probe: model.eval()(probe.to(model.device)).reconstruction.cpu(),
            model.config.num_channels,
            model.config.size_divisor,
        )
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.dtype = dtype or preferred_dtype(model, self.device)
        self._scale: WeightInterpolation | None = None
        if realism_model is not None:
            self._scale = WeightInterpolation(self.model, realism_model)

    def model_at(self, realism: float) -> PreTrainedModel:
        """The network at a realism; the last few that were used are kept in memory.

        Args:
            realism: 0..1.

        Raises:
            ValueError: if it is out of range, or the checkpoint has no variant for realism.
            DamagedCheckpointError: if the variant for realism does not hold a whole network; it is a ValueError, too.
        """
        if not 0.0 <= realism <= 1.0:
            raise ValueError(f"realism must lie in 0..1, found {realism}")
        if realism == 0:
            return self.model
        if self._scale is None:
            raise ValueError("this network was loaded without a variant for realism: leave realism at 0")
        try:
            return self._scale.at(realism)
        except OSError as error:
            raise ValueError(f"this checkpoint has no variant for realism: leave realism at 0 ({error})") from error

    def _restore_tile(self, model: PreTrainedModel, planes: Tensor, tables: Tensor | None) -> Tensor:
        # Plain CMYK files (not YCCK) compress their channels independently, so each is restored like a gray picture.
        parts = planes.split(1) if planes.shape[0] == 4 else [planes]
        return torch.cat([self._run(model, part[None], tables)[0] for part in parts])

    def restore_planes(self, planes: Tensor, tables: Tensor | None = None, *, realism: float = 0.0) -> Tensor:
        """Run the network over planes, in tiles.

        Args:
            planes: float (C, H, W), 0..255, one plane or as many as the network restores.
            tables: integers (C, 8, 8), their quantization tables; `None` for blind restoration.
            realism: 0..1.

        Returns:
            float32 (C, H, W), 0..255, not rounded.

        Raises:
            ValueError: as [`model_at`].
        """
        model = self.model_at(realism)
        return run_tiled(
            lambda tile: self._run(model, tile, tables), planes.float(), tile_size=self._whole_tile, margin=self.margin
        )

    @property
    def _whole_tile(self) -> int:
        # A multiple of the network's size divisor, and of the 8x8 blocks of the projection.
        step = max(int(self.model.config.size_divisor), 16)
        return -(-self.tile_size // step) * step

    def _run(self, model: PreTrainedModel, planes: Tensor, tables: Tensor | None) -> Tensor:
        quantization = None if tables is None else tables[None, : planes.shape[1]].to(self.device)
        return self._forward(model, planes / 255.0, quantization).cpu() * 255.0

    @torch.inference_mode()
    def _forward(self, model: PreTrainedModel, pixel_values: Tensor, quantization: Tensor | None) -> Tensor:
        pixel_values = pixel_values.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            reconstruction = model(pixel_values, quantization=quantization).reconstruction
        restored: Tensor = reconstruction.float().clamp_(0.0, 1.0)
        return restored


def _default_device() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator or torch.device("cpu")
