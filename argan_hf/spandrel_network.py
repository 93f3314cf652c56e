"""Networks of others, as spandrel knows them, in the shape of the networks of this package.

FBCNN, SwinIR, SCUNet, DRUNet and some dozen more restore RGB or gray pictures. Here they get the planes of a JPEG
decoder and give planes, so that all the rest (tiles, holding to the file, earlier saves, metadata, batches) works
with them as with ours.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .jpeg.color import rgb_to_ycbcr_unrounded, ycbcr_to_rgb_unclipped
from .measured_margin import LARGEST_MARGIN, measured_margin
from .plain_network import Reconstruction

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

# Networks with windows on feature maps of an eighth of the size need it.
_COARSE_DIVISOR = 64


class UnsupportedNetworkError(ValueError):
    """A file of weights that holds no network which can restore pictures here; one sentence says why."""


@dataclass
class SpandrelConfig:
    """What a restorer needs to know about a network of others.

    Attributes:
        architecture: as spandrel names it.
        num_channels: 1 (it restores luma) or 3 (Y, Cb, Cr, by way of RGB).
        size_divisor: tiles start at multiples of it, in pixels. Measuring the margin can make it larger.
        tile_size: side of a tile, in pixels, where nobody asks for another one. These networks take many times the
            memory and the time of ours.
        condition_on_quantization: no such network gets quantization tables.
    """

    architecture: str
    num_channels: int
    size_divisor: int
    tile_size: int = 512
    condition_on_quantization: bool = False


class SpandrelNetwork(nn.Module):
    """A network of spandrel that restores planes.

    Args:
        descriptor: of a network of scale 1 with one channel, or three, in and out.
        load: loads it again, where it was pickled.

    Attributes:
        config: what is known about it.
    """

    def __init__(self, descriptor: "ImageModelDescriptor[Any]", load: "Callable[[], SpandrelNetwork]") -> None:
        super().__init__()
        self._load = load
        requirements = descriptor.size_requirements
        windows = {size for module in descriptor.model.modules() for size in _window_sizes(module)}
        divisor = math.lcm(requirements.multiple_of, *windows)
        self.config = SpandrelConfig(descriptor.architecture.id, descriptor.input_channels, divisor)
        self.network = descriptor.model
        self._call: Callable[[Tensor], Tensor] = descriptor
        self._minimum = requirements.minimum
        self._lock = threading.Lock()
        self._margin: list[int | None] = []
        self.requires_grad_(False).eval()

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded_again, (self._load, next(self.parameters()).device, self.config, self._margin)

    def forward(self, pixel_values: Tensor, quantization: Tensor | None = None) -> Reconstruction:  # noqa: ARG002
        """Restore planes.

        Args:
            pixel_values: float (B, C, H, W), 0..1; C is 1 or `config.num_channels`. Colors that RGB cannot hold are
                clipped, as in every picture that such a network was trained on.
            quantization: not used.

        Returns:
            float (B, C, H, W), 0..1.

        Raises:
            UnsupportedNetworkError: if the network gives another shape than spandrel says.
        """
        planes = pixel_values.shape[1]
        if self.config.num_channels == 1:
            pictures = pixel_values
        elif planes == 1:
            pictures = pixel_values.expand(-1, 3, -1, -1)
        else:
            pictures = ycbcr_to_rgb_unclipped(pixel_values * 255.0) / 255.0
        # One by one: some of these networks take no batches.
        restored = torch.cat([self._call(picture.clamp(0.0, 1.0)) for picture in pictures.split(1)])
        if restored.shape != pictures.shape:
            raise UnsupportedNetworkError(
                f"this network gave {tuple(restored.shape)} for {tuple(pictures.shape)}, the same was expected: "
                "choose another network"
            )
        if self.config.num_channels == 3:
            restored = rgb_to_ycbcr_unrounded(restored * 255.0)[:, :planes] / 255.0
        return Reconstruction(restored)

    def measure_margin(self) -> int | None:
        """How much it needs around a tile, in pixels; `None` if it looks at the whole picture.

        It is measured once, see [`measured_margin`]. `config.size_divisor` becomes a divisor with which it is so.
        """
        with self._lock:  # Pictures that are restored side by side ask for it at the same time.
            if not self._margin:
                self._margin.append(self._measure())
            return self._margin[0]

    def _measure(self) -> int | None:
        def network(planes: Tensor) -> Tensor:
            weights = next(self.parameters())
            found: Reconstruction = self(planes.to(weights.device))
            return found.reconstruction.cpu()

        own = self.config.size_divisor
        coarse = math.lcm(own, _COARSE_DIVISOR)
        for divisor in dict.fromkeys((own, coarse) if coarse <= LARGEST_MARGIN else (own,)):
            margin = measured_margin(network, self.config.num_channels, divisor, self._minimum)
            if margin is not None:
                self.config.size_divisor = divisor
                return margin
        return None


def _window_sizes(module: nn.Module) -> list[int]:
    """Sides of the windows, in which a layer of a transformer compares pixels with each other."""
    found = getattr(module, "window_size", None)
    sizes = found if isinstance(found, (list, tuple)) else [found]
    return [size for size in sizes if isinstance(size, int) and size > 0]


def _loaded_again(
    load: Callable[[], SpandrelNetwork], device: torch.device, config: SpandrelConfig, margin: list[int | None]
) -> SpandrelNetwork:
    network = load().to(device)
    network.config, network._margin = config, margin
    return network
