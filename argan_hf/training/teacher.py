"""A teacher: a larger network from whose results a smaller one learns (knowledge distillation).

An original holds detail that no network can predict from its JPEG. A good network gives what can be predicted: a target
with less noise than the original.
"""

import torch
from torch import Tensor

from ..loading import load_model
from ..precision import preferred_dtype
from .batch import Batch


class Teacher:
    """A trained network that restores the crops of a batch.

    Args:
        name_or_path: a checkpoint: a name of this package, a folder, or a Hub id.
        num_channels: planes of the crops.
        device: where it runs, in bfloat16 if that is fast there.
        torch_compile: whether to compile it.

    Raises:
        ValueError: if it does not exist, is damaged, or restores fewer planes than the crops have.
    """

    def __init__(
        self, name_or_path: str, num_channels: int, device: torch.device, *, torch_compile: bool = False
    ) -> None:
        try:
            network = load_model(name_or_path).eval().requires_grad_(False)
        except (OSError, ValueError) as error:
            raise ValueError(f"teacher {name_or_path!r} is no checkpoint that can be loaded: {error}") from error
        found = network.config.num_channels
        if found < num_channels:
            raise ValueError(
                f"teacher {name_or_path!r} restores {found} plane(s), the network in training restores {num_channels}"
            )
        self._device = device
        self._dtype = preferred_dtype(network, device)
        self._network = network.to(device, memory_format=torch.channels_last)
        if torch_compile:
            self._network.compile(dynamic=False)

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Tensor:
        """What the teacher makes of the degraded crops of a batch, with the same tables: float32 (B, C, S, S)."""
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            restored: Tensor = self._network(batch.degraded, quantization=batch.quantization).reconstruction
        return restored.float()
