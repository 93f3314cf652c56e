"""Networks of others, as spandrel knows them, in the shape of the networks of this package.

FBCNN, SwinIR, SCUNet, DRUNet and some dozen more restore RGB or gray pictures. Here they get the planes of a JPEG
decoder and give planes, so that all the rest (tiles, projection onto the file, earlier saves, metadata, batches) works
with them as with ours.
"""

import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .jpeg.color import rgb_to_ycbcr_unrounded, ycbcr_to_rgb_unclipped
from .measured_margin import measured_margin
from .memory import is_out_of_memory
from .plain_network import Reconstruction

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

WEIGHTS_SUFFIXES = (".ckpt", ".pt", ".pth", ".safetensors")
"""Endings of the names of files that hold the weights of a network."""

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
        size_divisor: tiles start at multiples of it, in pixels. It is certain once the margin was measured.
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
    """A network of spandrel that restores planes. Where it is pickled, its file is named, and read again.

    Args:
        descriptor: of a network of scale 1 with one channel, or three, in and out.
        path: its file.

    Attributes:
        config: what is known about it.
    """

    def __init__(self, descriptor: "ImageModelDescriptor[Any]", path: Path) -> None:
        super().__init__()
        self._path = path
        requirements = descriptor.size_requirements
        windows = {size for module in descriptor.model.modules() for size in _window_sizes(module)}
        divisor = math.lcm(requirements.multiple_of, *windows)
        self.config = SpandrelConfig(descriptor.architecture.id, descriptor.input_channels, divisor)
        self.network = descriptor.model
        self._call: Callable[[Tensor], Tensor] = descriptor
        self._minimum = requirements.minimum
        self._lock = threading.Lock()
        self.requires_grad_(False).eval()

    def __reduce__(self) -> tuple[Any, ...]:
        return _read_again, (self._path.resolve(), next(self.parameters()).device, self.config)

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

    def measured_margin(self) -> int | None:
        """How much it needs around a tile, in pixels; `None` if it looks at the whole picture.

        See the function of this name. `config.size_divisor` becomes a divisor with which that is so.
        """

        def network(planes: Tensor) -> Tensor:
            weights = next(self.parameters())
            found: Reconstruction = self(planes.to(weights.device))
            return found.reconstruction.cpu()

        with self._lock:  # Pictures that are restored side by side ask for it at the same time.
            for divisor in dict.fromkeys(
                (self.config.size_divisor, math.lcm(self.config.size_divisor, _COARSE_DIVISOR))
            ):
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


def is_weights_file(name_or_path: str | Path) -> bool:
    """Whether a name is that of a file of weights, not that of a checkpoint, a folder or a repository of the Hub."""
    path = Path(name_or_path)
    return path.suffix.lower() in WEIGHTS_SUFFIXES and not path.is_dir()


def load_spandrel_network(path: str | Path) -> SpandrelNetwork:
    """Load a network from a file of weights, in any of the architectures that spandrel knows.

    Args:
        path: a safetensors file, or a pickle of PyTorch, of which only tensors and plain containers are read; no code
            in it is run.

    Raises:
        FileNotFoundError: if there is no such file.
        UnsupportedNetworkError: if it does not hold a whole network of scale 1 with one channel, or three, in and out.
        ImportError: if spandrel is missing.
    """
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:  # A torchvision that does not fit raises RuntimeError.
        raise ImportError(
            f'networks of others need spandrel, which cannot be imported ({error}): pip install "argan-hf[spandrel]"'
        ) from error
    path = Path(path)
    weights = spandrel.canonicalize_state_dict(_read(path))
    if "unet.head.weight" in weights:
        raise UnsupportedNetworkError(
            f"{path} holds weights of this package: give the folder with its config.json, {path.parent}"
        )
    try:
        with warnings.catch_warnings(action="ignore"):
            descriptor = spandrel.ModelLoader().load_from_state_dict(weights)
    except spandrel.UnsupportedModelError as error:
        raise UnsupportedNetworkError(
            f"{path} holds no network that spandrel {spandrel.__version__} knows: choose another file"
        ) from error
    # What weights of one architecture with the names of another can cause is raised as a dozen kinds.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"there is too little memory for the network of {path}") from error
        raise UnsupportedNetworkError(f"{path} holds no whole network ({_first_line(error)}): get it again") from error
    if problem := _problem(descriptor):
        raise UnsupportedNetworkError(
            f"{path} holds a network of the architecture {descriptor.architecture.name} {problem}, expected one that "
            "gives a picture of the same size, RGB or gray: choose another file"
        )
    return SpandrelNetwork(descriptor, path)


def _read_again(path: Path, device: torch.device, config: SpandrelConfig) -> SpandrelNetwork:
    network = load_spandrel_network(path).to(device)
    network.config = config
    return network


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.suffix.lower() == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise UnsupportedNetworkError(f"{path} is cut short or no safetensors file ({error}): get it again") from error
    # Pickles that are damaged, or hold more than tensors, are refused with many kinds of exceptions.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"there is too little memory for the weights of {path}") from error
        raise UnsupportedNetworkError(
            f"{path} is damaged, or holds more than weights, and code is never run ({_first_line(error)}): "
            "save its state_dict as safetensors, or choose another file"
        ) from error
    if not isinstance(weights, dict) or not weights:
        raise UnsupportedNetworkError(f"{path} holds no weights by name, found {type(weights).__name__}")
    return weights


def _problem(descriptor: Any) -> str | None:
    """Why a network cannot restore planes here, as a part of a sentence."""
    if not hasattr(descriptor, "purpose") or descriptor.purpose == "Inpainting":
        return "that fills masked parts"
    if descriptor.scale != 1:
        return f"that enlarges pictures {descriptor.scale} times"
    channels = (descriptor.input_channels, descriptor.output_channels)
    if channels not in ((1, 1), (3, 3)):
        return f"with {channels[0]} channels in and {channels[1]} out"
    for name, weight in descriptor.model.state_dict().items():
        if weight.is_floating_point() and not bool(weight.isfinite().all()):
            return f"with NaN or infinity in {name}"
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".: ")
