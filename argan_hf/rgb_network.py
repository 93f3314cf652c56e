"""The networks of this package as other programs know networks: RGB in, RGB out, without quantization tables.

It imports nothing but torch and `network_argan.py`, so that both can be taken over by other projects as they are.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from .network_argan import NetworkConfig, build_network, restore_planes

# JFIF 1.02: rows give Y, Cb - 0.5 and Cr - 0.5 of R, G, B in 0..1.
_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
_CR_TO_R, _CB_TO_G, _CR_TO_G, _CB_TO_B = 1.402, -0.344136286, -0.714136286, 1.772
_NEUTRAL = 128 / 255


class RgbNetwork(nn.Module):
    """A generator that restores RGB; its weights have the names that they have in [`ArganForImageRestoration`].

    Args:
        config: of the network.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = build_network(config)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Restore pictures of which nothing is known but their pixels (blind restoration).

        Args:
            pixel_values: float (B, 3, H, W), RGB, 0..1, any H, W >= 1.

        Returns:
            RGB of the same shape and dtype, 0..1. A picture without color gets none.

        Raises:
            ValueError: if `pixel_values` has another shape.
        """
        restore = partial(restore_planes, self.unet, self.config, quantization=None)
        return restore_rgb(restore, pixel_values, self.config.num_channels)


def restore_rgb(restore: Callable[[Tensor], Tensor], pixel_values: Tensor, num_channels: int) -> Tensor:
    """Restore RGB with a network of planes.

    Args:
        restore: maps Y'CbCr planes, float32 (B, num_channels, H, W), 0..1, to planes of that shape.
        pixel_values: float (B, 3, H, W), RGB, 0..1.
        num_channels: 3, or 1 for a network of luma, which leaves Cb and Cr as they are.

    Returns:
        RGB of the same shape and dtype, 0..1. A picture without color gets none.

    Raises:
        ValueError: if `pixel_values` has another shape.
    """
    if pixel_values.ndim != 4 or pixel_values.shape[1] != 3:
        raise ValueError(f"pixel_values must have shape (B, 3, H, W), RGB, found {tuple(pixel_values.shape)}")
    # In float32, whatever the caller computes in: half a gray level is lost in 16 bits before the network begins.
    rgb = pixel_values.float()
    red, green, blue = rgb.split(1, dim=1)  # (B, 1, H, W) each
    luma, cb, cr = (red * r + green * g + blue * b for r, g, b in _TO_YCBCR)
    planes = torch.cat((luma, cb + _NEUTRAL, cr + _NEUTRAL), dim=1)  # (B, 3, H, W)
    restored = restore(planes[:, :num_channels]).float()
    luma, chroma = restored[:, :1], (restored if num_channels == 3 else planes)[:, 1:]
    # Every network tints gray faintly. No branch: what is computed must not depend on the picture where it is exported.
    is_colored = (rgb.amax(1, keepdim=True) - rgb.amin(1, keepdim=True)).amax((1, 2, 3), keepdim=True) > 0
    cb, cr = ((chroma - _NEUTRAL) * is_colored).split(1, dim=1)
    added = (cr * _CR_TO_R, cb * _CB_TO_G + cr * _CR_TO_G, cb * _CB_TO_B)
    result = torch.cat([luma + part for part in added], dim=1)  # (B, 3, H, W)
    return result.clamp(0.0, 1.0).to(pixel_values.dtype)
