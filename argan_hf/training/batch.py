"""What a training step is made from."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Batch:
    """Crops and the quantization tables that the network is conditioned on.

    Attributes:
        degraded, original: float (B, C, S, S) in 0..1.
        quantization: (B, C, 8, 8), zeros where the network is left blind.
        restored: float (B, C, S, S), what the generator made of them, once it has.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    restored: Tensor | None = None
