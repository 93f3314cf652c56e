"""Projection of restored luma onto the quantization constraint set: the planes that would encode to the given file.

A JPEG file states an interval for every DCT coefficient of its original: one quantization step wide, centered on the
dequantized value. The projection moves each coefficient of the restored picture into its interval, so the result could
have been the original. The set is convex and contains the original, so projecting onto it never increases the squared
error. `MARGIN` makes the intervals shorter, so that results survive the rounding to 8 bits. The original may then lie
outside of them: from quality 95 on, where steps are hardly longer than the margin, the projection costs PSNR.

What is guaranteed: luma, in whole blocks, for files whose grid starts at the corner of the picture. Blocks that the
border of the picture cuts are not changed, because the samples with which the encoder padded them are unknown. Chroma
is not changed, because its coefficients cannot be recovered from upsampled samples.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .codec import decode_planes, encode_planes
from .color import as_pixels, rgb_to_ycbcr

MARGIN = 1.0
"""Least distance of a projected coefficient from the ends of its interval, in units of the orthonormal DCT of samples
0..255.

Rounding samples to 8 bits moves coefficients by 0.29 (one standard deviation). Without a margin, a coefficient at an
end of its interval would leave it about half of the time. `benchmarks/consistency.py` measures several margins.
"""

_CLIPPED_ROUNDS = 12
_UNBOUNDED = 1e6
_MARGIN_ROUNDS = 5


def dct_basis(like: Tensor) -> Tensor:
    """Orthonormal DCT-II of 8 samples, (8, 8): frequency, sample; device and dtype of `like`."""
    n = torch.arange(8, dtype=torch.float64)
    basis = torch.cos((2 * n + 1) * n[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    return basis.to(like, non_blocking=True)


def _cut(plane: Tensor) -> Tensor:
    """Whole blocks of a plane, float32 (rows, columns, 8, 8), level-shifted (minus 128)."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].float().reshape(rows, 8, columns, 8).transpose(1, 2)
    return blocks - 128.0


def _paste(blocks: Tensor, plane: Tensor) -> Tensor:
    """A copy of the plane whose whole blocks are replaced; the inverse of [`_cut`]."""
    rows, columns = blocks.shape[:2]
    result = plane.clone()
    result[: rows * 8, : columns * 8] = blocks.transpose(1, 2).reshape(rows * 8, columns * 8) + 128.0
    return result


def recover_coefficients(luma: Tensor, table: Tensor) -> Tensor:
    """Recover the file's quantized luma coefficients from the decoded samples.

    Encoding the samples again gives the coefficients, except in blocks where the decoder clipped samples to 0 or 255.
    Those blocks are found by alternating projections, see [`_complete`].

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
    # 1. Encode the samples again, and decode the result.
    integers = encode_planes(whole[None], table)  # (8, 8, 1, rows, columns)
    shown = decode_planes(integers, table, height, width)[0]  # (H, W), whole blocks
    quantized = integers[:, :, 0].permute(2, 3, 0, 1).float()  # (rows, columns, 8, 8)
    # 2. Blocks with clipped samples that do not decode to themselves need more work.
    samples = _cut(whole)  # (rows, columns, 8, 8)
    clipped = (samples <= -128.0) | (samples >= 127.0)
    open_blocks = (_cut(shown) != samples).flatten(2).any(2) & clipped.flatten(2).any(2)  # (rows, columns)
    if open_blocks.any():
        quantized[open_blocks] = _complete(samples[open_blocks], clipped[open_blocks], table.to(luma.device))
    return quantized


def _complete(samples: Tensor, clipped: Tensor, table: Tensor) -> Tensor:
    """Quantized coefficients of blocks with clipped samples, by alternating projections.

    One set is the blocks whose coefficients are multiples of the steps. The other is the blocks that clip to the
    decoded samples: equal to them where they were not clipped, equal or beyond where they were.

    Args:
        samples: float32 (N, 8, 8), level-shifted.
        clipped: bool (N, 8, 8), whether a sample is 0 or 255.
        table: integers (8, 8).

    Returns:
        float32 (N, 8, 8).
    """
    basis, steps = dct_basis(samples), table.float()  # (8, 8) both
    guess = samples
    for _ in range(_CLIPPED_ROUNDS):
        # 1. Onto multiples of the steps.
        quantized = (basis @ guess @ basis.T / steps).round()  # (N, 8, 8)
        decoded = basis.T @ (quantized * steps) @ basis  # (N, 8, 8), before clipping
        # 2. Onto blocks that clip to the samples: keep what lies beyond a clipped sample, reset all other samples.
        beyond = clipped & (decoded.abs() > samples.abs()) & (decoded.sign() == samples.sign())
        guess = torch.where(beyond, decoded, samples)
    return quantized


def project(plane: Tensor, quantized: Tensor, table: Tensor, margin: float | Tensor = MARGIN) -> Tensor:
    """The nearest plane whose luma coefficients lie inside their intervals (an orthogonal projection).

    Args:
        plane: float (H, W), 0..255.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8), the luma table of the file.
        margin: least distance from the ends of the intervals, one number or one per block (H // 8, W // 8, 1, 1). An
            interval shorter than two margins shrinks to its center, which is the coefficient of the decoded picture.

    Returns:
        float32 (H, W); rows and columns beyond the last whole block are returned unchanged.
    """
    basis, steps = dct_basis(plane.float()), table.to(plane.device).float()  # (8, 8) both
    # 1. The intervals, shortened by the margin: middle - half .. middle + half.
    half = (steps / 2 - margin).clamp(min=0.0)  # (8, 8), or (rows, columns, 8, 8) for one margin per block
    middle = quantized * steps  # (rows, columns, 8, 8)
    # 2. The DCT is orthonormal, so clamping every coefficient gives the nearest plane.
    coefficients = basis @ _cut(plane) @ basis.T  # (rows, columns, 8, 8)
    inside = torch.minimum(torch.maximum(coefficients, middle - half), middle + half)
    return _paste(basis.T @ inside @ basis, plane.float())


def make_consistent(
    plane: Tensor,
    quantized: Tensor,
    table: Tensor,
    as_written: Callable[[Tensor], Tensor],
    held: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Project a plane so that the picture written from it encodes to the luma coefficients of the file.

    Rounding and clipping to 8 bits moves coefficients, and so does the conversion of color to RGB and back. Blocks that
    leave their intervals by it are clipped and projected again with twice the margin, at most four times.

    Args:
        plane: float (H, W), 0..255.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8), the luma table of the file.
        as_written: maps such a plane to the luma that an encoder would get from the written picture, uint8 (H, W).
        held: bool (H // 8, W // 8), which blocks are projected; others stay as they are. Default: all.

    Returns:
        The projected plane, float32 (H, W), and the share 0..1 of the coefficients of the written picture that equal
        those of the file, in projected blocks; 1 if there are none.
    """
    margin = torch.full((*quantized.shape[:2], 1, 1), MARGIN, device=plane.device)  # (rows, columns, 1, 1)
    held = torch.ones_like(margin[..., 0, 0], dtype=torch.bool) if held is None else held  # (rows, columns)
    # Intervals that are longer than any coefficient leave a block as it is.
    margin[~held] = -_UNBOUNDED
    for _ in range(_MARGIN_ROUNDS):
        # 1. Project, write, and find the blocks that do not encode to the file.
        projected = project(plane, quantized, table, margin)  # (H, W)
        luma = as_written(projected)  # (H, W) uint8
        matches = _matches(luma, quantized, table)  # (rows, columns, 8, 8)
        wrong = ~matches.flatten(2).all(2) & held  # (rows, columns)
        if not wrong.any():
            break
        # 2. In those blocks, double the margin and start from the clipped result. Other blocks are not changed: if a
        #    block depended on others, the borders of tiles would be visible.
        margin[wrong] *= 2
        again = torch.zeros_like(plane, dtype=torch.bool)  # (H, W)
        rows, columns = wrong.shape
        again[: rows * 8, : columns * 8] = wrong.repeat_interleave(8, 0).repeat_interleave(8, 1)
        plane = torch.where(again, projected.clamp(0.0, 255.0), plane)
    return projected, float(matches[held].float().mean()) if held.any() else 1.0


def project_onto_file(
    restored: Tensor,
    decoded: Tensor,
    table: Tensor,
    strength: float = 1.0,
    *,
    file_luma: Tensor | None = None,
    held: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Project restored luma so that the picture that is written encodes to the luma coefficients of the file.

    `JpegRestorer` and the evaluation both use this function for "faithful" results. The picture that has to encode to
    the file is the written one: blended with the decoded planes, converted to RGB if it has color, rounded to 8 bits.

    Args:
        restored: float (K, H, W), 0..255: the first K planes as a network restored them, luma first.
        decoded: (C, H, W), K <= C: the planes as decoded, integers 0..255 of any dtype: Y, or Y, Cb, Cr.
        table: integers (8, 8), the luma table of the file.
        strength: 0..1, the share of `restored` in what is written.
        file_luma: integers 0..255 (H, W), the luma that the file shows, where that is not `decoded[0]`: the picture may
            have been saved again since.
        held: bool (H // 8, W // 8), which blocks are known to be the file's; default: all.

    Returns:
        `restored` with its luma projected, float32 (K, H, W), and the share 0..1 of luma coefficients, in whole blocks
        of the written picture, that equal those of the file.
    """

    def as_written(luma: Tensor) -> Tensor:
        blended = decoded.to(torch.float32, copy=True)
        blended[: restored.shape[0]].lerp_(torch.cat((luma[None], restored[1:])), strength)
        pixels = as_pixels(blended)
        return pixels[0] if pixels.shape[0] == 1 else rgb_to_ycbcr(pixels)[0]

    quantized = recover_coefficients((decoded[0] if file_luma is None else file_luma).to(torch.uint8), table)
    luma, share = make_consistent(restored[0], quantized, table, as_written, held)
    return torch.cat((luma[None], restored[1:])), share


def share_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> float:
    """Share of luma coefficients, in whole blocks, that an encoder would round to those of the file.

    Args:
        luma: uint8 (H, W), as it would be encoded.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8).

    Returns:
        0..1; 1 for a picture without a whole block.
    """
    return float(_matches(luma, quantized, table).float().mean()) if quantized.numel() else 1.0


def blocks_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> Tensor:
    """Whether each whole block would encode to the coefficients of the file, bool (H // 8, W // 8).

    Args:
        luma, quantized, table: as for [`share_inside`].
    """
    return _matches(luma, quantized, table).flatten(2).all(2)


def _matches(luma: Tensor, quantized: Tensor, table: Tensor) -> Tensor:
    """Whether each coefficient, encoded again, equals that of the file, bool (rows, columns, 8, 8)."""
    rows, columns = quantized.shape[:2]
    again = encode_planes(luma[None, : rows * 8, : columns * 8], table)[:, :, 0].permute(2, 3, 0, 1)
    return again == quantized
