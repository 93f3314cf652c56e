"""JPEG compression and decompression of tensors, without writing a file.

Entropy coding is lossless, so it is left out. What remains is color conversion, chroma downsampling, the DCT and
quantization, and their inverses. Here they run on int32 tensors on any device, with one table per picture of a batch.
The result equals Pillow's in every sample (libjpeg-turbo with its default integer DCT and fancy upsampling). The host
never waits for the device.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .color import rgb_to_ycbcr, ycbcr_to_rgb
from .dct import blocks_to_planes, forward_dct, inverse_dct, planes_to_blocks
from .resampling import FACTORS, Subsampling, downsample, upsample
from .tables import quantization_tables


def encode_planes(planes: Tensor, tables: Tensor) -> Tensor:
    """Quantized DCT coefficients of planes (`forward_DCT` in jcdctmgr.c, which rounds halves away from zero).

    Args:
        planes: uint8 (B, H, W).
        tables: integers (B, 8, 8), or (8, 8) for all.

    Returns:
        int32 (8, 8, B, ceil(H / 8), ceil(W / 8)), vertical frequency first: the integers that a file would store.
    """
    coefficients = forward_dct(planes_to_blocks(planes).to(torch.int32).sub_(128))  # (8, 8, B, rows, columns)
    # Times 8, the scale of the integer DCT.
    divisors = _block_tables(tables, planes) << 3  # (8, 8, B, 1, 1), or (8, 8, 1, 1, 1) for one table
    # The float32 quotient of integers below 2**23 never rounds up to the next integer, so its floor is exact. It is
    # faster than an integer division.
    magnitude = coefficients.abs().add_(divisors >> 1).div(divisors).floor_()
    return magnitude.to(torch.int32).mul_(coefficients.sign_())


def decode_planes(quantized: Tensor, tables: Tensor, height: int, width: int) -> Tensor:
    """Samples of quantized coefficients (`jpeg_idct_islow` with its dequantization).

    Args:
        quantized: int32 (8, 8, B, rows, columns) from [`encode_planes`].
        tables: integers (B, 8, 8), or (8, 8) for all.
        height, width: of the planes, at most `8 * rows` and `8 * columns`.

    Returns:
        uint8 (B, height, width).
    """
    samples = inverse_dct(quantized * _block_tables(tables, quantized))
    return blocks_to_planes(samples.to(torch.uint8), height, width)


def _block_tables(tables: Tensor, like: Tensor) -> Tensor:
    """Tables in the layout of blocks, int32 (8, 8, B, 1, 1) on the device of `like`; B is 1 for one table."""
    tables = tables.to(device=like.device, dtype=torch.int32, non_blocking=True)
    tables = tables[None] if tables.ndim == 2 else tables
    return tables.permute(1, 2, 0)[..., None, None]


def compress_plane(planes: Tensor, tables: Tensor) -> Tensor:
    """Compress and decompress single planes (gray pictures or luma) with the given tables.

    Args:
        planes: uint8 (B, H, W), any H, W >= 1.
        tables: integers 1..65535, (B, 8, 8) or (8, 8), natural order.

    Returns:
        uint8 (B, H, W): the samples that a decoder gives.

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
    """Compress and decompress Y, Cb, Cr planes; equals what Pillow's `draft("YCbCr")` reads from the file.

    Args:
        planes: uint8 (B, 3, H, W), any H, W >= 1.
        tables: integers 1..65535, (B, 2, 8, 8) or (2, 8, 8): luma, chroma.
        subsampling: one for all, or one per picture of the batch.

    Returns:
        uint8 (B, 3, H, W), chroma upsampled to full size.

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
    """Cb and Cr after JPEG, uint8 (B, 2, H, W), with one table (B, 8, 8) for both."""
    if subsampling not in FACTORS:
        raise ValueError(f"subsampling must be one of {', '.join(FACTORS)}, found {subsampling!r}")
    height, width = chroma.shape[-2:]
    needed_width = -(-width // FACTORS[subsampling][1])
    small = compress_plane(downsample(chroma, subsampling).flatten(0, 1), tables.repeat_interleave(2, 0))  # (2B, h, w)
    return upsample(small[..., :needed_width], subsampling, height, width).reshape(chroma.shape)


def compress(
    images: Tensor,
    quality: int | Tensor | None = None,
    *,
    tables: Tensor | None = None,
    subsampling: Subsampling | Sequence[Subsampling] = "4:2:0",
    offset: tuple[int, int] | Tensor = (0, 0),
) -> Tensor:
    """Compress and decompress pictures; equals saving them as JPEG and opening them with Pillow.

    Args:
        images: uint8 (B, 1, H, W) gray or (B, 3, H, W) RGB, any H, W >= 1.
        quality: 1..100, one integer for all or an integer tensor (B,).
        tables: instead of a quality: integers 1..65535, (T, 8, 8) or (B, T, 8, 8); T is 1 for gray, 2 (luma, chroma)
            for RGB.
        subsampling: of the chroma of RGB pictures, one for all or one per picture of the batch.
        offset: rows and columns by which the grid of blocks starts before the picture, 0..15, a pair or an integer
            tensor (B, 2). The picture is padded by that many rows above and columns to the left, and to 15 in all along
            each axis, by repeating its border. The padded picture is compressed, and the picture is cut out of it.

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
    """Offsets of rows and of columns, each (B, 1), on the device of the images."""
    offset = torch.as_tensor(offset)
    if offset.shape not in ((2,), (images.shape[0], 2)):
        raise ValueError(f"offset must be a pair or have shape ({images.shape[0]}, 2), found {tuple(offset.shape)}")
    offset = offset.to(images.device, non_blocking=True).expand(images.shape[0], 2)
    return offset[:, :1], offset[:, 1:]


def _gather(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Cut (B, C, h, w) out of (B, C, H, W) images by row numbers (B, h) and column numbers (B, w)."""
    members = torch.arange(images.shape[0], device=images.device)[:, None, None]
    return images[members, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
