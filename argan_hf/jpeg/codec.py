"""What a decoder shows after a picture went through JPEG, without writing a file.

Entropy coding loses nothing, so encoding and decoding is the DCT, quantization and back: here in int32 tensors, one
table per sample, on any device, equal to Pillow (libjpeg-turbo, its default slow integer DCT) in every sample.
"""

import torch
from torch import Tensor

from .dct import blocks_to_planes, forward_dct, inverse_dct, planes_to_blocks
from .tables import quantization_tables


def encode_planes(planes: Tensor, tables: Tensor) -> Tensor:
    """Quantized DCT coefficients of planes (`forward_DCT` in jcdctmgr.c; halves are rounded away from zero).

    Args:
        planes: uint8 (B, H, W).
        tables: int32 (B, 8, 8), or (8, 8) for all.

    Returns:
        int32 (8, 8, B, ceil(H / 8), ceil(W / 8)), vertical frequency first: the integers that a file would store.
    """
    coefficients = forward_dct(planes_to_blocks(planes.to(torch.int32) - 128))
    divisors = _block_tables(tables, planes) << 3
    magnitude = (coefficients.abs() + (divisors >> 1)).div_(divisors, rounding_mode="floor")
    return magnitude.mul_(coefficients.sign())


def decode_planes(quantized: Tensor, tables: Tensor, height: int, width: int) -> Tensor:
    """Samples of quantized coefficients (`jpeg_idct_islow` with its dequantization), uint8 (B, height, width)."""
    samples = inverse_dct(quantized * _block_tables(tables, quantized))
    return blocks_to_planes(samples.to(torch.uint8), height, width)


def _block_tables(tables: Tensor, like: Tensor) -> Tensor:
    tables = tables.to(device=like.device, dtype=torch.int32)
    tables = tables[None] if tables.ndim == 2 else tables
    return tables.permute(1, 2, 0)[..., None, None]


def compress_planes(planes: Tensor, tables: Tensor) -> Tensor:
    """Planes after JPEG with the given tables.

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


def compress(images: Tensor, quality: int | Tensor) -> Tensor:
    """Gray pictures after JPEG at a libjpeg quality: equals saving and opening an "L" picture with Pillow.

    Args:
        images: uint8 (B, 1, H, W), any H, W >= 1.
        quality: 1..100, one integer for all or an integer tensor (B,).

    Returns:
        uint8 (B, 1, H, W).

    Raises:
        TypeError: if `images` is not uint8 or `quality` not integer.
        ValueError: if a shape is not as above.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must have shape (B, 1, H, W), found {tuple(images.shape)}")
    tables = quantization_tables(quality).to(images.device)[..., 0, :, :]
    return compress_planes(images[:, 0], tables)[:, None]
