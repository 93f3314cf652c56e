"""Full-reference quality of 8-bit pictures, as the literature on JPEG artifacts computes it."""

import torch
from torch import Tensor


def psnr(restored: Tensor, original: Tensor) -> Tensor:
    """Peak signal-to-noise ratio per picture.

    Args:
        restored, original: uint8 (B, C, H, W), already rounded as they would be written.

    Returns:
        float64 (B,), in dB; infinite where the pictures are equal.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ.
    """
    if restored.dtype != torch.uint8 or original.dtype != torch.uint8:
        raise TypeError(f"pictures must be uint8, found {restored.dtype} and {original.dtype}; round them first")
    if restored.shape != original.shape:
        raise ValueError(f"pictures differ in shape: {tuple(restored.shape)} and {tuple(original.shape)}")
    error = (restored.double() - original.double()).square().flatten(1).mean(dim=1)
    return 10.0 * torch.log10(255.0**2 / error)
