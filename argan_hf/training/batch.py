"""The batch: the tensors that a training step needs, and how tensors come to the device."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Batch:
    """Crops, and the quantization tables that the network is conditioned on.

    Attributes:
        degraded, original: float32 (B, C, S, S) in 0..1.
        quantization: int32 (B, C, 8, 8); zeros where the network is blind, that is, gets no tables.
        offset: int64 (B, 2), rows and columns by which the grid of the JPEG starts before the crop, 0..15.
        restored: float (B, C, S, S), the output of the generator, `None` before it has run.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    offset: Tensor
    restored: Tensor | None = None

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What is known before the generator has run."""
        return self.degraded, self.original, self.quantization, self.offset


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor from the host to a device without waiting for the device."""
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
