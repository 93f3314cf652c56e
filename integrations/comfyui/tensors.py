"""Pictures as ComfyUI passes them on, told from pictures as `argan_hf` takes and gives them.

An IMAGE of ComfyUI is a floating-point tensor (B, H, W, C), 0..1; a MASK is one of (B, H, W), where 1 is transparent.
"""

import numpy as np
import torch
from torch import Tensor

from argan_hf import RestoredImage
from argan_hf.cmyk import cmyk_to_rgb

# A thousandth of a step of 8 bits. Steps of 16 bits are four times as large, so no sample of 16 bits is taken for one
# of 8, and nodes that multiply by 1/255 instead of dividing do not make 16 bits of 8.
_TOLERANCE = 1e-3 / 255
_SIDE_WITHOUT_ALPHA = 64


def arrays_of(images: Tensor) -> list[np.ndarray]:
    """The pictures of an IMAGE as arrays.

    Args:
        images: floating point (B, H, W, C) with 1 to 4 channels, 0..1 (what lies beyond is clipped), on any device.

    Returns:
        An array (H, W, C) for each picture: uint8, if all its samples lie on the grid of 8 bits, else uint16.

    Raises:
        ValueError: if the tensor has another shape or dtype, or holds values that are no numbers.
    """
    if not isinstance(images, Tensor):
        raise TypeError(
            f"the image is of type {type(images).__name__}, expected a tensor: connect an output of type IMAGE"
        )
    if images.ndim != 4 or not 1 <= images.shape[3] <= 4 or not images.is_floating_point():
        raise ValueError(
            f"the image has shape {tuple(images.shape)} and dtype {images.dtype}, expected (batch, height, width, "
            "channels) with 1 to 4 channels, in floating point: connect an output of type IMAGE"
        )
    return [_array_of(image) for image in images]


def _array_of(image: Tensor) -> np.ndarray:
    if not image.isfinite().all():
        raise ValueError(
            "the image holds values that are no numbers (NaN, infinity), expected 0 to 1: look at the node before"
        )
    image = image.detach().clamp(0.0, 1.0).cpu()
    samples = image.float() * 255.0
    nearest = samples.round()
    # Half precision rounds the grid itself.
    on_grid = (nearest / 255.0).to(image.dtype)
    if torch.isclose(image, on_grid, rtol=0.0, atol=_TOLERANCE).all():
        return nearest.to(torch.uint8).numpy()
    return (image.double() * 65535.0).round().numpy().astype(np.uint16)


def image_and_mask(restored: RestoredImage) -> tuple[Tensor, Tensor]:
    """A restored picture as the node "Load Image" gives pictures.

    Returns:
        The IMAGE, float32 (1, H, W, 3), 0..1, with all 16 bits of samples that have them. The MASK, float32 (1, H, W),
        0..1: one minus the alpha; zeros (1, 64, 64), if there is none.
    """
    samples = samples_of(restored)
    channels = samples.shape[2]
    colors = samples[:, :, : 3 if channels > 2 else 1].expand(-1, -1, 3).contiguous()
    mask = 1.0 - samples[:, :, -1] if channels in (2, 4) else torch.zeros(_SIDE_WITHOUT_ALPHA, _SIDE_WITHOUT_ALPHA)
    return colors[None], mask[None]


def samples_of(restored: RestoredImage) -> Tensor:
    """The samples of a restored picture, float32 (H, W, C), 0..1: gray or RGB, with alpha or not. CMYK becomes RGB."""
    if restored.samples is not None:
        return torch.from_numpy(restored.samples.astype(np.float32) / 65535.0)
    image = cmyk_to_rgb(restored.image) if restored.image.mode == "CMYK" else restored.image
    pixels = np.asarray(image).astype(np.float32) / 255.0
    return torch.from_numpy(pixels if pixels.ndim == 3 else pixels[:, :, None])
