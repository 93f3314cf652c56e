"""The dtype in which a network runs: bfloat16 where it is faster and the difference is below one gray level."""

import torch
from torch import nn

from .cpu_features import computes_bfloat16


def preferred_dtype(model: nn.Module, device: torch.device) -> torch.dtype:
    """bfloat16 for networks that add a residual to their input, if the device computes fast in it; else float32.

    A residual is small, so with the 8 significant bits of bfloat16 its error is far below one gray level. The input is
    added in float32. A network that computes the whole picture would round it to steps of about one gray level.

    Args:
        model: `config.block_type` says which kind it is.
        device: where it runs.
    """
    if getattr(model.config, "block_type", None) != "residual":
        return torch.float32
    is_fast = computes_bfloat16() if device.type == "cpu" else device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if is_fast else torch.float32
