"""The degradation of training crops: compressions and a resizing, on the device of the crops.

A crop is cut from a larger canvas, because three cases need real pixels beyond its border: a grid that does not start
at its corner, an earlier compression, and a resizing in between. All random numbers are drawn before
(`degradation_draws.py`). Nothing here waits for the device, and no shape depends on a value.

The network is "blind" to a crop if it gets zeros in place of the quantization tables of the crop.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..jpeg.codec import compress, compress_plane, compress_ycbcr
from ..jpeg.color import rgb_to_studio_luma, rgb_to_ycbcr, to_uint8
from .degradation_draws import DegradationDraws, subsampling_groups
from .degradation_settings import GRID, DegradationSettings


@dataclass(frozen=True)
class DegradedCrops:
    """Crops before and after their degradation, on the device of the canvases.

    Attributes:
        degraded, original: uint8 (B, C, S, S) planes: Y, or Y, Cb, Cr.
        quantization: int32 (B, C, 8, 8), the tables of the last compression; zeros where the network is blind, for
            clean crops, and for the chroma of gray crops.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor


def degrade(
    canvases: Tensor, draws: DegradationDraws, settings: DegradationSettings, *, crop_size: int, num_channels: int
) -> DegradedCrops:
    """Degrade crops as it was drawn.

    Args:
        canvases: uint8 RGB (B, 3, Z, Z) with Z = `settings.canvas_size(crop_size)`.
        draws: of a batch of B crops, on the device of the canvases.
        settings: from which they were drawn.
        crop_size: S, side of the crops in pixels.
        num_channels: C, 1 for luma, 3 for Y, Cb, Cr.

    Raises:
        ValueError: if the canvases have another size, or `num_channels` is neither 1 nor 3.
    """
    expected = settings.canvas_size(crop_size)
    if canvases.shape[-2:] != (expected, expected):
        raise ValueError(f"crops of {crop_size} need canvases of {expected}, found {tuple(canvases.shape[-2:])}")
    if num_channels not in (1, 3):
        raise ValueError(f"num_channels must be 1 or 3, found {num_channels}")
    # 1. Planes before the last compression. T is the side of what it covers: S, or S + 16.
    original, degraded = _before_last(canvases, draws, settings, crop_size, num_channels)  # (B, C, T, T)

    # 2. The last compression, and the tables for the network.
    if num_channels == 1:
        compressed = compress_plane(degraded[:, 0], draws.tables[:, 0])[:, None]  # (B, 1, T, T)
        quantization = draws.tables[:, :1]  # (B, 1, 8, 8)
    else:
        # Neutral chroma stays neutral at every quality, so gray crops can be compressed like color crops.
        groups = subsampling_groups(draws.subsampling, settings)
        compressed = compress_ycbcr(degraded, draws.tables, groups)  # (B, 3, T, T)
        luma, chroma = draws.tables[:, :1], draws.tables[:, 1:] * ~_flags(draws.gray)
        quantization = torch.cat((luma, chroma, chroma), 1)  # (B, 3, 8, 8)
    degraded = torch.where(_flags(draws.clean), original, compressed)
    quantization = quantization * ~_flags(draws.clean | draws.blind)

    # 3. The crops are cut out, (B, C, T, T) to (B, C, S, S).
    return DegradedCrops(
        degraded=_cut_out(degraded, draws, crop_size),
        original=_cut_out(original, draws, crop_size),
        quantization=quantization,
    )


def _flags(flags: Tensor) -> Tensor:
    """Flags (B,) as (B, 1, 1, 1)."""
    return flags[:, None, None, None]


def _before_last(
    canvases: Tensor, draws: DegradationDraws, settings: DegradationSettings, crop_size: int, num_channels: int
) -> tuple[Tensor, Tensor]:
    """Original planes, and those that the last compression gets: uint8 (B, C, T, T) both."""
    if not (draws.earlier.shape[0] or draws.moved.shape[0]):
        planes = _planes(canvases, draws.gray, draws.studio, num_channels)
        return planes, planes
    size = crop_size + GRID
    if not draws.earlier.shape[0]:
        planes = _planes(_middle(canvases, size), draws.gray, draws.studio, num_channels)
        return planes, planes
    # 1. The E canvases that have a place, before and after their earlier compression, (E, 3, Z, Z).
    before = canvases[draws.earlier]
    groups = subsampling_groups(draws.earlier_subsampling, settings)
    after = compress(before, tables=draws.earlier_tables, subsampling=groups, offset=draws.earlier_offset)
    # 2. The middle, (E, 3, T, T) both; some of them resized.
    small = [_resize(rgb, draws, size) for rgb in (before, after)]
    small[1] = torch.where(_flags(draws.compressed), small[1], small[0])
    # 3. In RGB up to here. Only where there was an earlier compression, original and degraded planes differ.
    rgb = _middle(canvases, size).index_copy(0, draws.earlier, small[0])
    original = _planes(rgb, draws.gray, draws.studio, num_channels)  # (B, C, T, T)
    gray, studio = draws.gray[draws.earlier], draws.studio[draws.earlier]
    degraded = original.index_copy(0, draws.earlier, _planes(small[1], gray, studio, num_channels))
    return original, degraded


def _middle(rgb: Tensor, size: int) -> Tensor:
    """The middle (N, 3, size, size) of canvases (N, 3, Z, Z)."""
    start = (rgb.shape[-1] - size) // 2
    return rgb[:, :, start : start + size, start : start + size]


def _resize(rgb: Tensor, draws: DegradationDraws, size: int) -> Tensor:
    """Cut the middle out of E canvases; some of them are resized by their scale first (bicubic).

    Args:
        rgb: uint8 (E, 3, Z, Z).
        draws: say which ones, and by what scale.
        size: side of the result in pixels.

    Returns:
        uint8 (E, 3, size, size).
    """
    middle = _middle(rgb, size)
    count = draws.resized.shape[0]
    if not count:
        return middle
    # 1. Sampling positions in normalized coordinates, in which -1 and 1 are the outer edges of the canvas. The result
    #    covers `size / scale` pixels of the canvas.
    reach = size / rgb.shape[-1] / draws.scale  # (R,)
    identity = torch.eye(2, 3, device=rgb.device)
    grid = F.affine_grid(identity * reach[:, None, None], [count, 3, size, size], align_corners=False)
    # 2. Interpolation, (R, 3, size, size).
    source = rgb[draws.resized].float()
    zoomed = to_uint8(F.grid_sample(source, grid, mode="bicubic", padding_mode="reflection", align_corners=False))
    zoomed = torch.where(_flags(draws.zoomed), zoomed, middle[draws.resized])
    return middle.index_copy(0, draws.resized, zoomed)


def _planes(rgb: Tensor, gray: Tensor, studio: Tensor, num_channels: int) -> Tensor:
    """Planes uint8 (N, C, T, T) of RGB (N, 3, T, T).

    Chroma is neutral where `gray`, and luma has studio swing where `studio`; both are bool (N,).
    """
    planes = rgb_to_ycbcr(rgb)
    luma = torch.where(_flags(studio), rgb_to_studio_luma(rgb), planes[:, :1])
    if num_channels == 1:
        return luma
    return torch.cat((luma, planes[:, 1:].masked_fill(_flags(gray), 128)), 1)


def _cut_out(planes: Tensor, draws: DegradationDraws, size: int) -> Tensor:
    """Cut (B, C, size, size) out of planes (B, C, T, T), at the corner or, for M of them, at their offset."""
    corner = planes[:, :, :size, :size].contiguous()
    if not draws.moved.shape[0]:
        return corner
    # 1. Row and column numbers of the M crops.
    offset = draws.offset[draws.moved]  # (M, 2)
    steps = torch.arange(size, device=planes.device)  # (size,)
    rows, columns = offset[:, :1] + steps, offset[:, 1:] + steps  # (M, size) both
    # 2. Advanced indexing puts the channels last: (M, size, size, C).
    moved = planes[draws.moved[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return corner.index_copy(0, draws.moved, moved)
