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
from .resampling import FACTORS, Subsampling, SubsamplingGroups, downsample, upsample
from .tables import quantization_tables

# Samples of planes of different sizes that are compressed together. Larger ones keep all cores busy by themselves, and
# together would only take more memory.
_TOGETHER = 1 << 24


def encode_planes(planes: Tensor, tables: Tensor) -> Tensor:
    """Quantized DCT coefficients of planes (`forward_DCT` in jcdctmgr.c, which rounds halves away from zero).

    Args:
        planes: uint8 (B, H, W).
        tables: integers (B, 8, 8), or (8, 8) for all.

    Returns:
        int32 (8, 8, B, ceil(H / 8), ceil(W / 8)), vertical frequency first: the integers that a file would store.
    """
    return _quantize(planes_to_blocks(planes), _block_tables(tables, planes))


def _quantize(blocks: Tensor, steps: Tensor) -> Tensor:
    """Quantized coefficients, int32, of uint8 blocks (8, 8, ...); `steps` are tables that broadcast to their shape."""
    coefficients = forward_dct(blocks.to(torch.int32).sub_(128))
    # Times 8, the scale of the integer DCT.
    divisors = steps << 3
    # The floor of a float32 quotient is faster than an integer division, and exact here: half a unit more in the
    # dividend keeps the quotient away from integers, even where a compiler divides with an error of some bits.
    magnitude = (coefficients.abs() + ((divisors >> 1) + 0.5)).div_(divisors).floor_()
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


def _compress_parts(parts: Sequence[Tensor], tables: Sequence[Tensor]) -> list[Tensor]:
    """Compress and decompress planes of different sizes together: a few large operations instead of many small ones.

    Args:
        parts: uint8 (n, h, w) each.
        tables: integers (n, 8, 8) for each part.
    """
    if sum(planes.numel() for planes in parts) > _TOGETHER:
        return [compress_plane(planes, table) for planes, table in zip(parts, tables, strict=True)]
    # 1. The blocks of all parts side by side, (8, 8, blocks), and the table of each.
    blocks = [planes_to_blocks(planes) for planes in parts]  # (8, 8, n, rows, columns) each
    steps = [
        _block_tables(table, planes).expand_as(block)
        for table, planes, block in zip(tables, parts, blocks, strict=True)
    ]
    together = torch.cat([block.flatten(2) for block in blocks], 2)
    step = torch.cat([step.flatten(2) for step in steps], 2)
    # 2. Encoded and decoded.
    samples = inverse_dct(_quantize(together, step).mul_(step)).to(torch.uint8)
    # 3. Planes again.
    found = samples.split([block[0, 0].numel() for block in blocks], 2)
    return [
        blocks_to_planes(part.reshape(block.shape), *planes.shape[1:])
        for part, block, planes in zip(found, blocks, parts, strict=True)
    ]


def compress_ycbcr(
    planes: Tensor, tables: Tensor, subsampling: Subsampling | Sequence[Subsampling] | SubsamplingGroups
) -> Tensor:
    """Compress and decompress Y, Cb, Cr planes; equals what Pillow's `draft("YCbCr")` reads from the file.

    Args:
        planes: uint8 (B, 3, H, W), any H, W >= 1.
        tables: integers 1..65535, (B, 2, 8, 8) or (2, 8, 8): luma, chroma.
        subsampling: one for all, one per picture of the batch, or groups whose shapes do not depend on what they hold.

    Returns:
        uint8 (B, 3, H, W), chroma upsampled to full size.

    Raises:
        TypeError: if `planes` is not uint8.
        ValueError: if a shape or a name is not as above.
    """
    if planes.dtype != torch.uint8:
        raise TypeError(f"planes must be uint8 samples 0..255, found {planes.dtype}")
    if planes.ndim != 4 or planes.shape[1] != 3 or min(planes.shape[2:]) < 1:
        raise ValueError(f"planes must have shape (B, 3, H, W) with H, W >= 1, found {tuple(planes.shape)}")
    batch, _, height, width = planes.shape
    if tables.shape not in ((2, 8, 8), (batch, 2, 8, 8)):
        raise ValueError(f"tables must have shape (2, 8, 8) or ({batch}, 2, 8, 8), found {tuple(tables.shape)}")
    tables = tables.expand(batch, 2, 8, 8)
    groups = _groups(subsampling, batch, planes.device)
    # 1. Luma, and the downsampled chroma of every group of N pictures, (2N, h, w).
    parts, part_tables = [planes[:, 0]], [tables[:, 0]]
    for mode, members, _ in groups:
        parts.append(downsample(planes[members, 1:], mode).flatten(0, 1))
        part_tables.append(tables[members, 1].repeat_interleave(2, 0))
    # 2. All blocks at once.
    luma, *chroma = _compress_parts(parts, part_tables)
    # 3. Back to full size.
    result = torch.cat((luma[:, None], planes[:, 1:]), 1)
    for (mode, members, chosen), small in zip(groups, chroma, strict=True):
        needed = -(-width // FACTORS[mode][1])
        full = upsample(small[..., :needed], mode, height, width).reshape(-1, 2, height, width)
        result[members, 1:] = full if chosen is None else torch.where(chosen, full, result[members, 1:])
    return result


_Group = tuple[Subsampling, slice | Tensor, Tensor | None]


def _groups(
    subsampling: Subsampling | Sequence[Subsampling] | SubsamplingGroups, batch: int, device: torch.device
) -> list[_Group]:
    """Each subsampling with the pictures that may have it, and which of these do, bool (N, 1, 1, 1); `None`: all."""
    if isinstance(subsampling, SubsamplingGroups):
        return [
            (mode, slice(start, stop), (subsampling.index[start:stop] == number)[:, None, None, None])
            for number, (mode, (start, stop)) in enumerate(zip(subsampling.names, subsampling.spans, strict=True))
            if start < stop
        ]
    names = {subsampling} if isinstance(subsampling, str) else set(subsampling)
    if unknown := names - FACTORS.keys():
        raise ValueError(f"subsampling must be one of {', '.join(FACTORS)}, found {', '.join(map(repr, unknown))}")
    if isinstance(subsampling, str):
        return [(subsampling, slice(None), None)]
    if len(subsampling) != batch:
        raise ValueError(f"subsampling must name {batch} samples, found {len(subsampling)}")
    groups: list[_Group] = []
    for mode in sorted(names):
        members = torch.tensor([index for index, name in enumerate(subsampling) if name == mode])
        groups.append((mode, members.to(device, non_blocking=True), None))
    return groups


def compress(
    images: Tensor,
    quality: int | Tensor | None = None,
    *,
    tables: Tensor | None = None,
    subsampling: Subsampling | Sequence[Subsampling] | SubsamplingGroups = "4:2:0",
    offset: tuple[int, int] | Tensor = (0, 0),
) -> Tensor:
    """Compress and decompress pictures; equals saving them as JPEG and opening them with Pillow.

    Args:
        images: uint8 (B, 1, H, W) gray or (B, 3, H, W) RGB, any H, W >= 1.
        quality: 1..100, one integer for all or an integer tensor (B,).
        tables: instead of a quality: integers 1..65535, (T, 8, 8) or (B, T, 8, 8); T is 1 for gray, 2 (luma, chroma)
            for RGB.
        subsampling: of the chroma of RGB pictures, as in [`compress_ycbcr`].
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
