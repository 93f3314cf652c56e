"""What a decoder shows after a picture went through JPEG, without writing a file.

Entropy coding loses nothing, so encoding and decoding is color conversion, chroma downsampling, the DCT, quantization,
and all of it back: here in int32 tensors, with one table per sample, on any device, equal to Pillow (libjpeg-turbo with
its default integer DCT and fancy upsampling) in every sample. Nothing waits for the device.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .color import rgb_to_ycbcr, ycbcr_to_rgb
from .dct import blocks_to_planes, forward_dct, inverse_dct, planes_to_blocks
from .resampling import FACTORS, Subsampling, downsample, upsample
from .tables import quantization_tables


def encode_planes(planes: Tensor, tables: Tensor) -> Tensor:
    """Quantized DCT coefficients of planes (`forward_DCT` in jcdctmgr.c; halves are rounded away from zero).

    Args:
        planes: uint8 (B, H, W).
        tables: integers (B, 8, 8), or (8, 8) for all.

    Returns:
        int32 (8, 8, B, ceil(H / 8), ceil(W / 8)), vertical frequency first: the integers that a file would store.
    """
    coefficients = forward_dct(planes_to_blocks(planes).to(torch.int32).sub_(128))
    divisors = _block_tables(tables, planes) << 3
    # A float32 quotient of integers below 2**23 never rounds up to the next integer, and is faster than a division.
    magnitude = coefficients.abs().add_(divisors >> 1).div(divisors).floor_()
    return magnitude.to(torch.int32).mul_(coefficients.sign_())


def decode_planes(quantized: Tensor, tables: Tensor, height: int, width: int) -> Tensor:
    """Samples of quantized coefficients (`jpeg_idct_islow` with its dequantization), uint8 (B, height, width)."""
    samples = inverse_dct(quantized * _block_tables(tables, quantized))
    return blocks_to_planes(samples.to(torch.uint8), height, width)


def _block_tables(tables: Tensor, like: Tensor) -> Tensor:
    tables = tables.to(device=like.device, dtype=torch.int32, non_blocking=True)
    tables = tables[None] if tables.ndim == 2 else tables
    return tables.permute(1, 2, 0)[..., None, None]


def compress_plane(planes: Tensor, tables: Tensor) -> Tensor:
    """Single planes (gray pictures, luma) after JPEG with the given tables.

    Args:
        planes: uint8 (B, H, W), any H, W >= 1.
        tables: integers 1..65535, (B, 8, 8) or (8, 8), natural order.

    Returns:
        uint8 (B, H, W): the samples a decoder shows.

    Raises:
        TypeError: if `planes` is not uint8.
        ValueError: if a shape is not as above.
    """
    if planes.dtype != torch.uint8:
        raise TypeError(f"planes must be uint8 samples 0..255, found {planes.dtype}")
    if planes.ndim != 3 or min(planes.shape[1:]) < 1:
        raise ValueError(f"planes must have shape (B, H, W) with H, W >= 1, found {tuple(planes.shape)}")
    if tables.shape not in ((8, 8), (planes.shape[0], 8, 8)):
        raise ValueError(f"tables must have shape (8, 8) or ({planes.shape[0]}, 8, 8), found {tuple(tables.shape)}")
    return decode_planes(encode_planes(planes, tables), tables, *planes.shape[1:])


def compress_ycbcr(planes: Tensor, tables: Tensor, subsampling: Subsampling | Sequence[Subsampling]) -> Tensor:
    """Y, Cb, Cr after JPEG: what `draft("YCbCr")` shows of the file, chroma at full size again.

    Args:
        planes: uint8 (B, 3, H, W), any H, W >= 1.
        tables: integers 1..65535, (B, 2, 8, 8) or (2, 8, 8): luma, chroma.
        subsampling: one for all, or one per sample.

    Returns:
        uint8 (B, 3, H, W).

    Raises:
        TypeError: if `planes` is not uint8.
        ValueError: if a shape or a name is not as above.
    """
    if planes.ndim != 4 or planes.shape[1] != 3:
        raise ValueError(f"planes must have shape (B, 3, H, W), found {tuple(planes.shape)}")
    batch = planes.shape[0]
    if tables.shape not in ((2, 8, 8), (batch, 2, 8, 8)):
        raise ValueError(f"tables must have shape (2, 8, 8) or ({batch}, 2, 8, 8), found {tuple(tables.shape)}")
    tables = tables.expand(batch, 2, 8, 8)
    luma = compress_plane(planes[:, 0], tables[:, 0])[:, None]
    if isinstance(subsampling, str):
        return torch.cat((luma, _compress_chroma(planes[:, 1:], tables[:, 1], subsampling)), 1)
    if len(subsampling) != batch:
        raise ValueError(f"subsampling must name {batch} samples, found {len(subsampling)}")
    result = torch.cat((luma, planes[:, 1:]), 1)
    for mode in sorted(set(subsampling)):
        members = torch.tensor([index for index, name in enumerate(subsampling) if name == mode])
        members = members.to(planes.device, non_blocking=True)
        result[members, 1:] = _compress_chroma(planes[members, 1:], tables[members, 1], mode)
    return result


def _compress_chroma(chroma: Tensor, tables: Tensor, subsampling: Subsampling) -> Tensor:
    if subsampling not in FACTORS:
        raise ValueError(f"subsampling must be one of {', '.join(FACTORS)}, found {subsampling!r}")
    height, width = chroma.shape[-2:]
    needed_width = -(-width // FACTORS[subsampling][1])
    small = compress_plane(downsample(chroma, subsampling).flatten(0, 1), tables.repeat_interleave(2, 0))
    return upsample(small[..., :needed_width], subsampling, height, width).reshape(chroma.shape)


def compress(
    images: Tensor,
    quality: int | Tensor | None = None,
    *,
    tables: Tensor | None = None,
    subsampling: Subsampling | Sequence[Subsampling] = "4:2:0",
    offset: tuple[int, int] | Tensor = (0, 0),
) -> Tensor:
    """Pictures after JPEG: equals saving and opening them with Pillow.

    Args:
        images: uint8 (B, 1, H, W) gray or (B, 3, H, W) RGB, any H, W >= 1.
        quality: 1..100, one integer for all or an integer tensor (B,).
        tables: instead of a quality: integers 1..65535, (T, 8, 8) or (B, T, 8, 8); T is 1 for gray, 2 (luma, chroma)
            for RGB.
        subsampling: of the chroma of RGB pictures, one for all or one per sample.
        offset: rows and columns by which the grid of blocks starts before the picture, 0..15, a pair or an integer
            tensor (B, 2); equals compressing the picture with its border repeated outwards that far (to 15 in all
            along each axis), then cutting it out.

    Returns:
        uint8, same shape.

    Raises:
        TypeError: if `images` is not uint8 or `quality` not integer.
        ValueError: if a shape or a name is not as above, or not exactly one of `quality` and `tables` is given.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must have shape (B, 1 or 3, H, W), found {tuple(images.shape)}")
    if (quality is None) == (tables is None):
        raise ValueError("give either quality or tables")
    if tables is None:
        # Asked for by the type of quality, which is not None here.
        tables = quantization_tables(torch.as_tensor(quality)).to(images.device, non_blocking=True)
        tables = tables[..., : (1 if images.shape[1] == 1 else 2), :, :]
    if isinstance(offset, Tensor) or offset != (0, 0):
        height, width = images.shape[-2:]
        rows, columns = _shifted(offset, images)
        canvas = _gather(
            images,
            (torch.arange(height + 15, device=images.device) - rows).clamp(0, height - 1),
            (torch.arange(width + 15, device=images.device) - columns).clamp(0, width - 1),
        )
        canvas = compress(canvas, tables=tables, subsampling=subsampling)
        return _gather(
            canvas,
            torch.arange(height, device=images.device) + rows,
            torch.arange(width, device=images.device) + columns,
        )
    if images.shape[1] == 1:
        return compress_plane(images[:, 0], tables[..., 0, :, :])[:, None]
    return ycbcr_to_rgb(compress_ycbcr(rgb_to_ycbcr(images), tables, subsampling))


def _shifted(offset: tuple[int, int] | Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    offset = torch.as_tensor(offset)
    if offset.shape not in ((2,), (images.shape[0], 2)):
        raise ValueError(f"offset must be a pair or have shape ({images.shape[0]}, 2), found {tuple(offset.shape)}")
    offset = offset.to(images.device, non_blocking=True).expand(images.shape[0], 2)
    return offset[:, :1], offset[:, 1:]


def _gather(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Cut (B, C, h, w) out of images by (B, h) row and (B, w) column numbers."""
    members = torch.arange(images.shape[0], device=images.device)[:, None, None]
    return images[members, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
