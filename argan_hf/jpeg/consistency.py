"""Projection of a restored plane onto the planes that would encode to the given file.

A JPEG file states an interval for every DCT coefficient of its original. Whatever a network invents, moving each
coefficient back into its interval keeps the picture one that could have been the original: the set is convex and holds
the original, so the projection never moves away from it.

What is guaranteed, and where it ends: luma, in whole blocks, for files whose grid starts at the corner of the picture.
Blocks that the picture's border cuts through are left alone (what the encoder put beyond the border is not in the
picture), and so is chroma (its coefficients cannot be had from upsampled samples).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .codec import decode_planes, encode_planes
from .color import as_pixels, rgb_to_ycbcr

MARGIN = 1.0
"""How far inside its interval a coefficient is put, in the units of orthonormal DCT coefficients of samples 0..255.

Rounding samples to 8 bits moves coefficients by 0.29 (one standard deviation), so a coefficient on the wall would be
outside as often as not. Measured by `benchmarks/consistency.py`.
"""

_CLIPPED_ROUNDS = 12
_MARGIN_ROUNDS = 5


def _basis(like: Tensor) -> Tensor:
    n = torch.arange(8, dtype=torch.float64)
    basis = torch.cos((2 * n + 1) * n[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    return basis.to(like, non_blocking=True)


def _cut(plane: Tensor) -> Tensor:
    """Whole blocks of a plane, float (rows, columns, 8, 8), level-shifted."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].float().reshape(rows, 8, columns, 8).transpose(1, 2)
    return blocks - 128.0


def _paste(blocks: Tensor, plane: Tensor) -> Tensor:
    rows, columns = blocks.shape[:2]
    result = plane.clone()
    result[: rows * 8, : columns * 8] = blocks.transpose(1, 2).reshape(rows * 8, columns * 8) + 128.0
    return result


def recover_coefficients(luma: Tensor, table: Tensor) -> Tensor:
    """The file's quantized luma coefficients, found again from the samples that the decoder shows.

    Where samples were clipped to 0 or 255, the block is completed by alternating between what the samples show and
    what coefficients can be, until it decodes to those samples.

    Args:
        luma: uint8 (H, W), straight from the decoder.
        table: integers (8, 8), the luma table of the file.

    Returns:
        float32 (H // 8, W // 8, 8, 8): of every whole block, vertical frequency first.
    """
    height, width = luma.shape[0] // 8 * 8, luma.shape[1] // 8 * 8
    whole = luma[:height, :width]
    if not whole.numel():
        return torch.zeros(height // 8, width // 8, 8, 8, device=luma.device)
    integers = encode_planes(whole[None], table)
    shown = decode_planes(integers, table, height, width)[0]
    quantized = integers[:, :, 0].permute(2, 3, 0, 1).float()
    samples = _cut(whole)
    clipped = (samples <= -128.0) | (samples >= 127.0)
    open_blocks = (_cut(shown) != samples).flatten(2).any(2) & clipped.flatten(2).any(2)
    if open_blocks.any():
        quantized[open_blocks] = _complete(samples[open_blocks], clipped[open_blocks], table.to(luma.device))
    return quantized


def _complete(samples: Tensor, clipped: Tensor, table: Tensor) -> Tensor:
    basis, steps = _basis(samples), table.float()
    guess = samples
    for _ in range(_CLIPPED_ROUNDS):
        quantized = (basis @ guess @ basis.T / steps).round()
        decoded = basis.T @ (quantized * steps) @ basis
        beyond = clipped & (decoded.abs() > samples.abs()) & (decoded.sign() == samples.sign())
        guess = torch.where(beyond, decoded, samples)
    return quantized


def project(plane: Tensor, quantized: Tensor, table: Tensor, margin: float | Tensor = MARGIN) -> Tensor:
    """The nearest plane whose luma coefficients lie inside their intervals.

    Args:
        plane: float (H, W), 0..255.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8), the luma table of the file.
        margin: how far inside, one number or one per block (H // 8, W // 8, 1, 1); intervals too short for it shrink
            to their middle, which is what the decoder shows.

    Returns:
        float32 (H, W); rows and columns beyond the last whole block are returned as they are.
    """
    basis, steps = _basis(plane.float()), table.to(plane.device).float()
    half = (steps / 2 - margin).clamp(min=0.0)
    middle = quantized * steps
    coefficients = basis @ _cut(plane) @ basis.T
    inside = torch.minimum(torch.maximum(coefficients, middle - half), middle + half)
    return _paste(basis.T @ inside @ basis, plane.float())


def make_consistent(
    plane: Tensor, quantized: Tensor, table: Tensor, as_written: Callable[[Tensor], Tensor]
) -> tuple[Tensor, float]:
    """Project a plane so that even the picture written from it encodes to the file's own luma.

    Rounding and clipping to 8 bits, and for color the trip through RGB, moves coefficients. Blocks that do not survive
    it are clipped and projected again with twice the margin, a few times.

    Args:
        plane: float (H, W), 0..255.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8), the luma table of the file.
        as_written: maps such a plane to the luma that an encoder sees in the written picture, uint8 (H, W).

    Returns:
        The projected plane, float32 (H, W), and the share of its coefficients, as written, that are the file's own.
    """
    margin = torch.full((*quantized.shape[:2], 1, 1), MARGIN, device=plane.device)
    for _ in range(_MARGIN_ROUNDS):
        projected = project(plane, quantized, table, margin)
        luma = as_written(projected)
        wrong = ~blocks_inside(luma, quantized, table)
        if not wrong.any():
            break
        margin[wrong] *= 2
        # Only those blocks: what becomes of a block must not depend on its neighbors, or tiles would show.
        again = torch.zeros_like(plane, dtype=torch.bool)
        rows, columns = wrong.shape
        again[: rows * 8, : columns * 8] = wrong.repeat_interleave(8, 0).repeat_interleave(8, 1)
        plane = torch.where(again, projected.clamp(0.0, 255.0), plane)
    return projected, share_inside(luma, quantized, table)


def project_onto_file(restored: Tensor, decoded: Tensor, table: Tensor, strength: float = 1.0) -> tuple[Tensor, float]:
    """Project restored luma so that the picture that is written encodes to the file's own luma.

    The one place where "faithful" is decided, for users' files and for evaluations alike. What counts is the picture as
    it is written: blended with the decoded planes, in color converted to RGB, rounded to 8 bits.

    Args:
        restored: float (K, H, W), 0..255: what a network made of the first K planes, luma first.
        decoded: (C, H, W), K <= C: the planes that the decoder shows, integers 0..255 of any dtype: Y, or Y, Cb, Cr.
        table: integers (8, 8), the luma table of the file.
        strength: 0..1, the share of `restored` in what is written.

    Returns:
        `restored` with its luma projected, float32 (K, H, W), and the share of luma coefficients, in whole blocks of
        the written picture, that are the file's own.
    """

    def as_written(luma: Tensor) -> Tensor:
        blended = decoded.to(torch.float32, copy=True)
        blended[: restored.shape[0]].lerp_(torch.cat((luma[None], restored[1:])), strength)
        pixels = as_pixels(blended)
        return pixels[0] if pixels.shape[0] == 1 else rgb_to_ycbcr(pixels)[0]

    quantized = recover_coefficients(decoded[0].to(torch.uint8), table)
    luma, share = make_consistent(restored[0], quantized, table, as_written)
    return torch.cat((luma[None], restored[1:])), share


def share_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> float:
    """Share of luma coefficients, in whole blocks, that an encoder would round to the file's own.

    Args:
        luma: uint8 (H, W), as it would be encoded.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8).

    Returns:
        0..1; 1 for a picture without a whole block.
    """
    return float(_matches(luma, quantized, table).float().mean()) if quantized.numel() else 1.0


def blocks_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> Tensor:
    """Whole blocks that an encoder would turn into the file's own, bool (H // 8, W // 8)."""
    return _matches(luma, quantized, table).flatten(2).all(2)


def _matches(luma: Tensor, quantized: Tensor, table: Tensor) -> Tensor:
    rows, columns = quantized.shape[:2]
    again = encode_planes(luma[None, : rows * 8, : columns * 8], table)[:, :, 0].permute(2, 3, 0, 1)
    return again == quantized
