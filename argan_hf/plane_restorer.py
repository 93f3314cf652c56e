"""Runs a network over planes: on its device, in its dtype, in tiles, at a realism.

It knows planes and quantization tables, neither files nor pictures.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from .defaults import TILE_SIZE, WHOLE_MEGAPIXELS
from .fused_network import fused
from .network_argan import restore_planes
from .onednn_caches import bound_caches
from .precision import preferred_dtype
from .tiling import Tile, around, receptive_margin, run_tiled, tiles
from .variants import NoVariantError, WeightInterpolation


class PictureTooLargeError(ValueError):
    """A picture is too large for a network that has to see it as a whole; one sentence says how large it may be."""


class UnusableResultError(ValueError):
    """A network computed NaN or infinity; its weights are of no use, or too large for the dtype."""


class PlaneRestorer:
    """A network that restores planes of any size.

    Args:
        model: a trained network of this package, or one with the same inputs and outputs (`pixel_values`,
            `quantization`, `reconstruction`) whose `config` has `num_channels`, `size_divisor` and
            `condition_on_quantization`; see also [`SpandrelNetwork`].
        device: where it runs; default: the first accelerator, else the CPU.
        tile_size: side of a square, in pixels, rounded up to a multiple of 32 and of the network's size divisor; tiles
            of large pictures have at most its area. Smaller tiles need less memory and more time. `None`: as the
            network says, else `TILE_SIZE`.
        dtype: of the convolutions, float32 or bfloat16; default: [`preferred_dtype`].
        realism_model: the network at realism 1, of the same architecture as `model`, or a function that loads it.
        exact_tiles: whether the network gets around every tile all that it can see, its receptive field; by default it
            gets what changes its result, if `config.tile_margin` says how much that is.

    Raises:
        ValueError: if `tile_size` is not positive, or `exact_tiles` is asked of a network of others, whose margin is
            measured by trying.
    """

    def __init__(
        self,
        model: nn.Module,
        device: str | torch.device | None = None,
        *,
        tile_size: int | None = None,
        dtype: torch.dtype | None = None,
        realism_model: nn.Module | Callable[[], nn.Module] | None = None,
        exact_tiles: bool = False,
    ) -> None:
        if tile_size is None:
            tile_size = int(getattr(model.config, "tile_size", TILE_SIZE))
        if tile_size < 1:
            raise ValueError(f"tile_size must be positive, found {tile_size}")
        bound_caches()
        self.tile_size = tile_size
        self.device = torch.device(device) if device else _default_device()
        # Of a network of others it is measured when it is needed.
        self._own_margin: int | None = None
        if not hasattr(model, "measure_margin"):
            measured = getattr(model.config, "tile_margin", None)
            # Before the model moves: where a GPU is lent to single functions (ZeroGPU), it cannot be used here.
            self._own_margin = _receptive_margin(model.eval()) if exact_tiles or measured is None else measured
        elif exact_tiles:
            raise ValueError("exact tiles are for networks of this package; how far others look is measured by trying")
        # Its kernels, and so its features, have their channels last, which convolutions compute faster. PyTorch has no
        # such format for parameters of more axes, as some networks of others have.
        has_kernels_alone = all(weight.ndim <= 4 for weight in model.parameters())
        memory_format = torch.channels_last if has_kernels_alone else None
        self.model: Any = cast(Any, model.eval()).to(self.device, memory_format=memory_format)
        self.dtype = dtype or preferred_dtype(model, self.device)
        self._scale: WeightInterpolation | None = None
        if realism_model is not None:
            self._scale = WeightInterpolation(self.model, realism_model)

    @property
    def margin(self) -> int | None:
        """How much the network gets around every tile, in pixels; `None` for networks that look at the whole picture.

        For networks of others it is measured when it is first asked for, which takes seconds.
        """
        if self._own_margin is not None:
            return self._own_margin
        measured: int | None = self.model.measure_margin()
        return measured

    @property
    def needs_little_memory(self) -> bool:
        """Whether several pictures can be restored at a time; networks of others take gigabytes for each."""
        return self._own_margin is not None

    @property
    def has_realism(self) -> bool:
        """Whether the checkpoint has a variant for realism; what is wrong with one, [`model_at`] says."""
        if self._scale is None:
            return False
        try:
            self._scale.at(1.0)
        except NoVariantError:
            return False
        except ValueError:  # damaged
            return True
        return True

    def model_at(self, realism: float) -> nn.Module:
        """The network at a realism; the last few that were used are kept in memory.

        Args:
            realism: 0..1.

        Raises:
            ValueError: if it is out of range, or the checkpoint has no variant for realism.
            DamagedCheckpointError: if the variant for realism does not hold a whole network; it is a ValueError, too.
        """
        if self._scale is not None:
            return self._scale.at(realism)
        if realism == 0:
            return cast(nn.Module, self.model)
        raise NoVariantError("this network was loaded without a variant for realism: leave realism at 0")

    def _restore_tile(self, model: nn.Module, planes: Tensor, tables: Tensor | None) -> Tensor:
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
            PictureTooLargeError: as [`network_tiles`].
            UnusableResultError: if the network gives NaN or infinity.
        """
        model = self.model_at(realism)
        plan = self.network_tiles(*planes.shape[1:])
        return run_tiled(lambda tile: self._run(model, tile, tables), planes.float(), plan)

    def network_tiles(self, height: int, width: int) -> list[Tile]:
        """The tiles in which the network restores planes of a size, in pixels.

        Raises:
            PictureTooLargeError: if the network looks at the whole picture, and it is too large for that.
        """
        plan = self.plain_tiles(height, width)
        if len(plan) == 1:
            return plan
        margin = self.margin
        if margin is not None:
            return tiles(height, width, self._whole_tile, margin, self._step)
        most = max(WHOLE_MEGAPIXELS * 1e6, self._whole_tile**2)
        if height * width > most:
            raise PictureTooLargeError(
                f"this network looks at the whole picture, so it takes up to {most / 1e6:.1f} megapixels, found "
                f"{height * width / 1e6:.1f}: choose another network, or a tile of a larger area if memory allows"
            )
        return [Tile(*2 * (slice(0, height), slice(0, width)))]

    def plain_tiles(self, height: int, width: int) -> list[Tile]:
        """The tiles in which what the network gave for planes of a size is worked on; they have no margins."""
        return tiles(height, width, self._whole_tile, 0, self._step)

    def around(self, wanted: Tensor, tile: Tile) -> tuple[slice, slice]:
        """The part of what the network gets for a tile that suffices for some of its samples, see [`tiling.around`]."""
        if self._own_margin is None:  # It is not measured for that alone.
            return tile.outer_rows, tile.outer_columns
        return around(wanted, tile, self._own_margin, int(self.model.config.size_divisor))

    @property
    def _step(self) -> int:
        # A multiple of the network's size divisor, and of the coded units of JPEG files, to which results are held.
        return math.lcm(int(self.model.config.size_divisor), 32)

    @property
    def _whole_tile(self) -> int:
        return -(-self.tile_size // self._step) * self._step

    def _run(self, model: nn.Module, planes: Tensor, tables: Tensor | None) -> Tensor:
        quantization = None if tables is None else tables[None, : planes.shape[1]].to(self.device)
        return self._forward(model, planes / 255.0, quantization).cpu() * 255.0

    @torch.inference_mode()
    def _forward(self, model: nn.Module, pixel_values: Tensor, quantization: Tensor | None) -> Tensor:
        pixel_values = pixel_values.to(self.device, memory_format=torch.channels_last)
        fast = fused(getattr(model, "unet", None), self.device, self.dtype)
        if fast is not None:
            return _clamped(restore_planes(fast, cast(Any, model.config), pixel_values, quantization))
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            reconstruction = model(pixel_values, quantization=quantization).reconstruction
        return _clamped(reconstruction.float())


def _clamped(restored: Tensor) -> Tensor:
    """What a network gave, in 0..1; changed in place."""
    if not bool(restored.isfinite().all()):
        raise UnusableResultError(
            "the network gave NaN or infinity instead of samples: choose another network, or float32 as dtype"
        )
    return restored.clamp_(0.0, 1.0)


def _receptive_margin(model: nn.Module) -> int:
    device = next(model.parameters()).device
    config: Any = model.config
    return receptive_margin(
        lambda probe: model(probe.to(device)).reconstruction.cpu(), config.num_channels, config.size_divisor
    )


def _default_device() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator or torch.device("cpu")
