"""RGB <-> Y'CbCr with the constants of libjpeg, and studio-swing luma, on which the literature measures."""

import torch
from torch import Tensor

_BITS = 16
_ONE = float(1 << _BITS)
_HALF = 1 << (_BITS - 1)
# jccolor.c and jdcolor.c: round(x * 2**16).
_TO_YCBCR = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))
_CR_TO_R, _CB_TO_G, _CR_TO_G, _CB_TO_B = 91881, -22554, -46802, 116130


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """Full-swing (JFIF) Y'CbCr of RGB, exactly as an encoder rounds it (`rgb_ycc_convert`).

    Args:
        rgb: uint8 (..., 3, H, W).

    Returns:
        uint8 (..., 3, H, W), chroma centered on 128.
    """
    red, green, blue = rgb.to(torch.int32).unbind(-3)
    # Chroma is rounded half down, luma half up.
    offsets = (_HALF, (128 << _BITS) + _HALF - 1, (128 << _BITS) + _HALF - 1)
    planes = [
        (red * from_red + green * from_green + blue * from_blue + offset) >> _BITS
        for (from_red, from_green, from_blue), offset in zip(_TO_YCBCR, offsets, strict=True)
    ]
    return torch.stack(planes, -3).to(torch.uint8)


def rgb_to_ycbcr_unrounded(rgb: Tensor) -> Tensor:
    """Full-swing Y'CbCr of RGB without rounding, so that [`ycbcr_to_rgb`] gives the same RGB back.

    Args:
        rgb: (..., 3, H, W), integers or floats 0..255.

    Returns:
        float32 (..., 3, H, W), 0..255, chroma centered on 128.
    """
    red, green, blue = rgb.float().unbind(-3)
    planes = [
        red * (from_red / _ONE) + green * (from_green / _ONE) + blue * (from_blue / _ONE) + center
        for (from_red, from_green, from_blue), center in zip(_TO_YCBCR, (0.0, 128.0, 128.0), strict=True)
    ]
    return torch.stack(planes, -3)


def ycbcr_to_rgb(planes: Tensor) -> Tensor:
    """RGB of full-swing Y'CbCr, rounded and clamped; for integer planes exactly libjpeg's `ycc_rgb_convert`.

    Args:
        planes: (..., 3, H, W), integers or floats 0..255.

    Returns:
        uint8 (..., 3, H, W).
    """
    return to_uint8(ycbcr_to_rgb_unclipped(planes))


def ycbcr_to_rgb_unclipped(planes: Tensor) -> Tensor:
    """The same before it is rounded and clamped: colors that RGB cannot hold lie outside of 0..255.

    Args:
        planes: (..., 3, H, W), integers or floats 0..255.

    Returns:
        float32 (..., 3, H, W).
    """
    y, cb, cr = planes.float().unbind(-3)
    return torch.stack([part.add_(y) for part in added_by_chroma(cb, cr)], -3)


def added_by_chroma(cb: Tensor, cr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What chroma adds to luma in red, green and blue; float32, same shape as Cb and Cr, 0..255."""
    cb, cr = cb - 128.0, cr - 128.0
    green = (cb * _CB_TO_G).add_(cr * _CR_TO_G).div_(_ONE)
    return cr.mul_(_CR_TO_R / _ONE), green, cb.mul_(_CB_TO_B / _ONE)


def rgb_to_ycbcr_floats(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """[`rgb_to_ycbcr`] for integers in floating point, exact in every bit.

    Args:
        red, green, blue: float32, same shape, integers 0..255.

    Returns:
        float32 (3, ...), integers 0..255.
    """
    # Sums of 16 fractional bits below 256 are exact in float32.
    offsets = (_HALF / _ONE, 128.0 + (_HALF - 1) / _ONE, 128.0 + (_HALF - 1) / _ONE)
    result = torch.empty(3, *red.shape, device=red.device)
    for plane, (from_red, from_green, from_blue), offset in zip(result, _TO_YCBCR, offsets, strict=True):
        torch.mul(red, from_red / _ONE, out=plane)
        plane.add_(offset).add_(green, alpha=from_green / _ONE).add_(blue, alpha=from_blue / _ONE).floor_()
    return result


def ycbcr_to_deep_rgb(planes: Tensor) -> Tensor:
    """RGB of full-swing Y'CbCr for pictures of 16 bits per channel: the exact inverse of [`rgb_to_ycbcr_unrounded`].

    The constants of libjpeg are rounded. They give 8 bits back, but are one or two steps of 16 bits off.

    Args:
        planes: (..., 3, H, W), floats 0..255.

    Returns:
        float32 (..., 3, H, W), not rounded.
    """
    matrix = torch.linalg.inv(torch.tensor(_TO_YCBCR, dtype=torch.float64) / _ONE).float().to(planes.device)
    y, cb, cr = planes.float().unbind(-3)
    cb, cr = cb - 128.0, cr - 128.0
    return torch.stack([y * row[0] + cb * row[1] + cr * row[2] for row in matrix], -3)


def rgb_to_studio_luma(rgb: Tensor) -> Tensor:
    """Luma 16..235 as MATLAB's `rgb2ycbcr` computes it: the gray picture on which published tables are measured.

    Args:
        rgb: (..., 3, H, W), integers or floats 0..255.

    Returns:
        uint8 (..., 1, H, W).
    """
    red, green, blue = rgb.double().split(1, -3)
    return to_uint8((red * 65.481 + green * 128.553 + blue * 24.966) / 255.0 + 16.0)


def as_pixels(planes: Tensor) -> Tensor:
    """The samples that are written to a file for some planes.

    Args:
        planes: (C, H, W), integers or floats 0..255. Three planes are Y, Cb, Cr; any other number (gray, CMYK channels)
            is written without conversion.

    Returns:
        uint8 (C, H, W): RGB for three planes, otherwise the planes, rounded and clamped.
    """
    return ycbcr_to_rgb(planes) if planes.shape[0] == 3 else to_uint8(planes.float())


def is_neutral(planes: Tensor) -> bool:
    """Whether Y, Cb, Cr planes (3, H, W) hold no color: all chroma is 128. True for a single plane (1, H, W)."""
    return bool((planes[1:] == 128).all())


def to_uint8(samples: Tensor) -> Tensor:
    """Round halves up, clamp to 0..255, return uint8 of the same shape; this package writes every picture this way."""
    return (samples + 0.5).floor_().clamp_(0, 255).to(torch.uint8)
