"""The kinds of exported networks: their inputs and outputs, as other programs see them."""

from typing import Any

import torch
from torch import Tensor, nn

from ..rgb_network import restore_rgb

KINDS = ("told", "rgb")
"""`told`: planes and quantization tables in, planes out. `rgb`: RGB in, RGB out (blind)."""

OUTPUT = "reconstruction"
"""Name of the output of both kinds."""


def exported_module(network: nn.Module, kind: str) -> nn.Module:
    """A network with the inputs of a kind, in their order, and one tensor as its output.

    Args:
        network: takes `pixel_values` and `quantization`, and gives an output with `reconstruction`.
        kind: one of `KINDS`.
    """
    return (_Told if kind == "told" else _Rgb)(network).eval()


class _Told(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: Tensor, quantization: Tensor) -> Tensor:
        restored: Tensor = self.network(pixel_values, quantization=quantization).reconstruction
        return restored


class _Rgb(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: Tensor) -> Tensor:
        def restore(planes: Tensor) -> Tensor:
            restored: Tensor = self.network(planes).reconstruction
            return restored

        return restore_rgb(restore, pixel_values, self.network.config.num_channels)


def random_inputs(kind: str, num_channels: int, shape: tuple[int, int, int], seed: int) -> dict[str, Tensor]:
    """Inputs of a kind by name, in the order of the module's arguments.

    The first of a batch has known tables, or colors; the last of several has no tables (zeros), or is gray.

    Args:
        kind: one of `KINDS`.
        num_channels: of the network: 1 or 3 planes.
        shape: batch, height and width.
        seed: of the random numbers.
    """
    batch, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    planes = 3 if kind == "rgb" else num_channels
    pixel_values = torch.rand(batch, planes, height, width, generator=generator)
    if kind == "rgb":
        if batch > 1:
            pixel_values[-1] = pixel_values[-1, :1]
        return {"pixel_values": pixel_values}
    quantization = torch.randint(1, 100, (batch, planes, 8, 8), generator=generator, dtype=torch.int32)
    if batch > 1:
        quantization[-1] = 0
    return {"pixel_values": pixel_values, "quantization": quantization}


def usage(kind: str, num_channels: int) -> str:
    """How a file of a kind is used, in sentences for its metadata."""
    if kind == "rgb":
        return (
            "pixel_values: float32 (batch, 3, height, width), RGB, 0..1, of any size. reconstruction: RGB of the same "
            "shape, 0..1."
        )
    planes = "Y" if num_channels == 1 else "Y, Cb, Cr (no color: Cb = Cr = 128/255)"
    return (
        f"pixel_values: float32 (batch, {num_channels}, height, width), planes of full-range JFIF Y'CbCr: {planes}, "
        f"0..1, of any size, the corner on the JPEG grid. quantization: int32 (batch, {num_channels}, 8, 8), the "
        "quantization tables of the planes in natural order (row by row), zeros where unknown. reconstruction: planes "
        "of the same shape, nominally 0..1, not clamped."
    )
