"""The degradation of training crops: compressions and a resizing with random settings, on the device of the crops.

A crop is cut from a larger canvas, because three cases need real pixels beyond its border: a grid that does not start
at its corner, an earlier compression, and a resizing in between. Random numbers are drawn on the host, so that the host
never waits for the device.

The network is "blind" to a crop if it gets zeros in place of the quantization tables of the crop.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..jpeg.codec import compress, compress_plane, compress_ycbcr
from ..jpeg.color import rgb_to_studio_luma, rgb_to_ycbcr, to_uint8
from ..jpeg.resampling import Subsampling
from ..jpeg.tables import quantization_tables
from .degradation_settings import GRID, DegradationSettings

_SUBSAMPLINGS: tuple[Subsampling, ...] = ("4:2:0", "4:2:2", "4:4:4")


@dataclass(frozen=True)
class DegradedCrops:
    """Crops before and after their degradation, and the settings that were drawn.

    Attributes:
        degraded, original: uint8 (B, C, S, S) planes: Y, or Y, Cb, Cr.
        quantization: int32 (B, C, 8, 8), the tables of the last compression; zeros where the network is blind, for
            clean crops, and for the chroma of gray crops.
        quality: int64 (B,), libjpeg's 1..100 of the last compression, 0 for clean crops; custom tables are derived from
            the standard ones at this quality.
        subsampling: of the last compression, "gray" for gray crops; B names.
        offset: int64 (B, 2), rows and columns by which the last grid starts before the crop, 0..15.
        earlier_quality: int64 (B,), of the earlier compression, 0 where there was none and for clean crops.
        scale: float32 (B,), factor of the resizing in between, 1 where there was none.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    quality: Tensor
    subsampling: list[str]
    offset: Tensor
    earlier_quality: Tensor
    scale: Tensor


def degrade(
    canvases: Tensor, settings: DegradationSettings, generator: torch.Generator, *, crop_size: int, num_channels: int
) -> DegradedCrops:
    """Draw the degradation of every crop, and apply it.

    Args:
        canvases: uint8 RGB (B, 3, Z, Z) with Z = `settings.canvas_size(crop_size)`.
        settings: the distribution to draw from.
        generator: source of all random numbers, on the CPU.
        crop_size: S, side of the crops in pixels.
        num_channels: C, 1 for luma, 3 for Y, Cb, Cr.

    Returns:
        The crops on the device of the canvases; what was drawn on the CPU, except for the tables.

    Raises:
        ValueError: if the canvases have another size, or `num_channels` is neither 1 nor 3.
    """
    expected = settings.canvas_size(crop_size)
    if canvases.shape[-2:] != (expected, expected):
        raise ValueError(f"crops of {crop_size} need canvases of {expected}, found {tuple(canvases.shape[-2:])}")
    if num_channels not in (1, 3):
        raise ValueError(f"num_channels must be 1 or 3, found {num_channels}")
    batch, device = canvases.shape[0], canvases.device
    # 1. Earlier compression and resizing, in RGB.
    original, degraded, earlier_quality, scale = _earlier_compression(canvases, settings, generator, crop_size)

    # 2. From RGB to planes; some crops become gray. T is the side of what the last compression covers: S, or S + 16.
    gray = torch.rand(batch, generator=generator) < (1.0 if num_channels == 1 else settings.gray_share)  # (B,)
    studio = (torch.rand(batch, generator=generator) < settings.studio_swing_share) & gray  # (B,)
    original, degraded = (_planes(rgb, gray, studio, num_channels) for rgb in (original, degraded))  # (B, C, T, T)

    # 3. Settings of the last compression.
    quality = _draw_quality(batch, settings, generator)  # (B,)
    names = _draw_subsampling(batch, settings, generator)
    tables = _draw_tables(quality, settings, generator).to(device, non_blocking=True)  # (B, 2, 8, 8)
    offset = torch.zeros(batch, 2, dtype=torch.int64)
    if settings.offset_share:
        moved = torch.rand(batch, 1, generator=generator) < settings.offset_share
        offset = torch.randint(0, GRID, (batch, 2), generator=generator) * moved  # (B, 2)
    # Tables imply a grid that starts at the corner, as it does in a file. Crops with an offset therefore get none.
    blind = (torch.rand(batch, generator=generator) < settings.unknown_table_share) | offset.any(dim=1)  # (B,)
    clean = torch.rand(batch, generator=generator) < settings.clean_share  # (B,)

    # 4. The last compression, and the tables for the network.
    if num_channels == 1:
        compressed = compress_plane(degraded[:, 0], tables[:, 0])[:, None]  # (B, 1, T, T)
        quantization = tables[:, :1]  # (B, 1, 8, 8)
    else:
        # Neutral chroma stays neutral at every quality, so gray crops can be compressed like color crops.
        compressed = compress_ycbcr(degraded, tables, names)  # (B, 3, T, T)
        quantization = tables[:, [0, 1, 1]]  # (B, 3, 8, 8)
        quantization[:, 1:] *= ~_on_device(gray, device)
    degraded = torch.where(_on_device(clean, device), original, compressed)
    quantization = quantization * ~_on_device(clean | blind, device)

    # 5. The crops are cut out, (B, C, T, T) to (B, C, S, S).
    return DegradedCrops(
        degraded=_window(degraded, offset, crop_size),
        original=_window(original, offset, crop_size),
        quantization=quantization,
        quality=quality * ~clean,
        subsampling=["gray" if is_gray else name for is_gray, name in zip(gray.tolist(), names, strict=True)],
        offset=offset,
        earlier_quality=earlier_quality * ~clean,
        scale=scale,
    )


def _on_device(flags: Tensor, device: torch.device) -> Tensor:
    """Flags (B,) as (B, 1, 1, 1) on a device."""
    return flags.to(device, non_blocking=True)[:, None, None, None]


def _earlier_compression(
    canvases: Tensor, settings: DegradationSettings, generator: torch.Generator, crop_size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compress some canvases (B, 3, Z, Z) once, and resize some of those.

    Returns:
        Original and degraded RGB, uint8 (B, 3, T, T), where T is `crop_size + 16`, or Z if `earlier_share` is 0; the
        earlier qualities, int64 (B,), 0 for none; the scales, float32 (B,).
    """
    batch = canvases.shape[0]
    earlier_quality, scale = torch.zeros(batch, dtype=torch.int64), torch.ones(batch)
    if not settings.earlier_share:
        return canvases, canvases, earlier_quality, scale
    # 1. Compression of the N canvases that are drawn for it.
    members = (torch.rand(batch, generator=generator) < settings.earlier_share).nonzero()[:, 0]  # (N,)
    count = len(members)
    earlier_quality[members] = _draw_quality(count, settings, generator)
    degraded = canvases.clone()  # (B, 3, Z, Z)
    if count:
        on_device = members.to(canvases.device, non_blocking=True)
        degraded[on_device] = compress(
            canvases[on_device],
            earlier_quality[members],
            subsampling=_draw_subsampling(count, settings, generator),
            offset=torch.randint(0, GRID, (count, 2), generator=generator),
        )
    # 2. Resizing of M of these; the original is resized with the degraded canvas.
    resized = members[torch.rand(count, generator=generator) < settings.resize_share]  # (M,)
    span = settings.max_scale - settings.min_scale
    scale[resized] = settings.min_scale + span * torch.rand(len(resized), generator=generator)
    size = crop_size + GRID
    original, degraded = (_zoom(rgb, resized, scale, size) for rgb in (canvases, degraded))  # (B, 3, size, size)
    return original, degraded, earlier_quality, scale


def _zoom(rgb: Tensor, members: Tensor, scale: Tensor, size: int) -> Tensor:
    """Cut the middle out of canvases; some of them are resized by their scale first (bicubic).

    Args:
        rgb: uint8 (B, 3, Z, Z).
        members: int64 (M,), which canvases are resized.
        scale: float32 (B,).
        size: side of the result in pixels.

    Returns:
        uint8 (B, 3, size, size).
    """
    # 1. Without resizing: a slice.
    start = (rgb.shape[-1] - size) // 2
    result = rgb[:, :, start : start + size, start : start + size]
    if not len(members):
        return result
    # 2. Sampling positions in normalized coordinates, in which -1 and 1 are the outer edges of the canvas. The result
    #    covers `size / scale` pixels of the canvas.
    on_device = members.to(rgb.device, non_blocking=True)
    reach = size / rgb.shape[-1] / scale[members].to(rgb.device, non_blocking=True)  # (M,)
    identity = torch.eye(2, 3, device=rgb.device)
    grid = F.affine_grid(identity * reach[:, None, None], [len(members), 3, size, size], align_corners=False)
    # 3. Interpolation, (M, 3, size, size).
    zoomed = F.grid_sample(rgb[on_device].float(), grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    result = result.clone()
    result[on_device] = to_uint8(zoomed)
    return result


def _planes(rgb: Tensor, gray: Tensor, studio: Tensor, num_channels: int) -> Tensor:
    """Planes uint8 (B, C, T, T) of RGB (B, 3, T, T).

    Chroma is neutral where `gray`, and luma has studio swing where `studio`; both are bool (B,), on the CPU.
    """
    planes = rgb_to_ycbcr(rgb)
    gray, studio = _on_device(gray, rgb.device), _on_device(studio, rgb.device)
    luma = torch.where(studio, rgb_to_studio_luma(rgb), planes[:, :1])
    if num_channels == 1:
        return luma
    return torch.cat((luma, torch.where(gray, planes.new_tensor(128), planes[:, 1:])), 1)


def _draw_quality(count: int, settings: DegradationSettings, generator: torch.Generator) -> Tensor:
    """Qualities, int64 (count,)."""
    span = settings.max_quality - settings.min_quality + 1
    position = torch.rand(count, generator=generator) ** settings.quality_skew
    return settings.min_quality + (position * span).long().clamp_(max=span - 1)


def _draw_tables(quality: Tensor, settings: DegradationSettings, generator: torch.Generator) -> Tensor:
    """Luma and chroma tables, int32 (B, 2, 8, 8), for qualities (B,); some are changed at random."""
    # 1. The standard tables.
    tables = quantization_tables(quality)  # (B, 2, 8, 8)
    if not settings.custom_table_share:
        return tables
    count = len(quality)
    custom = torch.rand(count, generator=generator) < settings.custom_table_share  # (B,)
    # 2. Random factors for the tables of other encoders. Those quantize high frequencies more or less coarsely (tilt),
    #    and no entry follows the standard exactly (noise).
    steps = torch.arange(8) / 14  # (8,)
    tilt = torch.randn(count, 1, 1, 1, generator=generator) * (steps[:, None] + steps - 0.3)  # (B, 1, 8, 8)
    noise = 0.2 * torch.randn(count, 2, 8, 8, generator=generator)  # (B, 2, 8, 8)
    # 3. The factors are applied to the tables that are drawn for it.
    changed = (tables * (0.5 * tilt + noise).exp()).round().clamp_(1, 255).to(torch.int32)
    return torch.where(custom[:, None, None, None], changed, tables)


def _draw_subsampling(count: int, settings: DegradationSettings, generator: torch.Generator) -> list[Subsampling]:
    """Names of chroma subsamplings, `count` of them."""
    edges = torch.tensor((settings.share_420, settings.share_420 + settings.share_422))
    return [_SUBSAMPLINGS[index] for index in torch.bucketize(torch.rand(count, generator=generator), edges).tolist()]


def _window(planes: Tensor, offset: Tensor, size: int) -> Tensor:
    """Cut (B, C, size, size) out of planes (B, C, T, T); `offset` (B, 2) is the first row and column of each."""
    if planes.shape[-1] == size:
        return planes
    # 1. Row and column numbers of every crop.
    offset = offset.to(planes.device, non_blocking=True)
    steps = torch.arange(size, device=planes.device)  # (size,)
    members = torch.arange(planes.shape[0], device=planes.device)[:, None, None]  # (B, 1, 1)
    rows, columns = offset[:, :1] + steps, offset[:, 1:] + steps  # (B, size) both
    # 2. Advanced indexing puts the channels last: (B, size, size, C).
    return planes[members, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
