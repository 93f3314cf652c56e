"""The batch: the tensors that a training step needs."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Batch:
    """Crops, and the quantization tables that the network is conditioned on.

    Attributes:
        degraded, original: float32 (B, C, S, S) in 0..1.
        quantization: int32 (B, C, 8, 8); zeros where the network is blind, that is, gets no tables.
        restored: float (B, C, S, S), the output of the generator, `None` before it has run.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    restored: Tensor | None = None
