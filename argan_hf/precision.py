"""Which arithmetic a network runs in: 16 bits where they are faster and cost nothing that an 8-bit picture can show."""

import torch
from transformers import PreTrainedModel


def preferred_dtype(model: PreTrainedModel, device: torch.device) -> torch.dtype:
    """bfloat16 for networks that add a residual to their input, where the device computes in it; else float32.

    A residual is small, so eight bits of mantissa leave an error far below one gray level, and the input is added in 32
    bits. A network that puts out the whole picture would round it to 256 levels of its own.

    Args:
        model: `config.block_type` says which kind it is.
        device: where it runs.
    """
    if getattr(model.config, "block_type", None) != "residual":
        return torch.float32
    if device.type == "cpu":
        # Without instructions for it, convolutions in bfloat16 are many times slower than in 32 bits.
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
