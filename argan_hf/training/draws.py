"""Random numbers of many batches, drawn before any of them is needed."""

from dataclasses import dataclass, fields
from typing import Self

import torch

from .batch import to_device


@dataclass(frozen=True)
class Draws:
    """Tensors of a batch, or of N batches with an axis N in front."""

    def __getitem__(self, batch: int) -> Self:
        """The draws of one of N batches."""
        return type(self)(*(getattr(self, field.name)[batch] for field in fields(self)))

    def to(self, device: torch.device) -> Self:
        """The same on a device; the host does not wait for the copy."""
        return type(self)(*(to_device(getattr(self, field.name), device) for field in fields(self)))
