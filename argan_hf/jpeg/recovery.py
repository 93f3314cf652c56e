"""The luma coefficients of a file, recovered from its decoded samples.

They are not read from the file, because pictures are also held to files that no longer exist: earlier saves, whose
samples are known and whose bytes are not.
"""

import torch
from torch import Tensor

from .block_dct import IntegerDct, cut, dct_basis, strips

_CLIPPED_ROUNDS = 12


def recover_coefficients(luma: Tensor, table: Tensor) -> Tensor:
    """Recover the file's quantized luma coefficients from the decoded samples.

    Encoding the samples again gives the coefficients, except in blocks where the decoder clipped samples to 0 or 255.
    Those blocks are found by alternating projections, see [`_complete`].

    Args:
        luma: integers 0..255 (H, W) of any dtype, straight from the decoder.
        table: integers (8, 8), the luma table of the file.

    Returns:
        float32 (H // 8, W // 8, 8, 8): of every whole block, vertical frequency first.
    """
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    quantized = torch.empty(rows, columns, 8, 8, device=luma.device)
    dct, table = IntegerDct(luma.device), table.to(luma.device)
    for strip in strips(rows, columns, luma.device):
        samples = cut(luma[strip.start * 8 : strip.stop * 8])  # (N, 8, 8)
        quantized[strip] = _recover(samples, table, dct).view(-1, columns, 8, 8)
    return quantized


def _recover(samples: Tensor, table: Tensor, dct: IntegerDct) -> Tensor:
    """Quantized coefficients, float32 (N, 8, 8), of float32 blocks (N, 8, 8), 0..255."""
    # 1. Encode the samples again (`forward_DCT` in jcdctmgr.c, which rounds halves away from zero). Steps are times 8,
    #    the scale of the integer DCT. Half a unit more keeps the quotient away from integers.
    coefficients, divisors = dct.encode(samples), 8.0 * table.double().flatten()  # (N, 64), (64,)
    magnitude = coefficients.abs().add_(divisors / 2 + 0.5).div_(divisors).floor_()
    quantized = magnitude.mul_(coefficients.sign_()).float().view(-1, 8, 8)  # (N, 8, 8)
    # 2. Blocks with clipped samples that do not decode to themselves need more work.
    flat = samples.flatten(1)  # (N, 64)
    clipped = ((flat.amin(1) <= 0.0) | (flat.amax(1) >= 255.0)).nonzero()[:, 0]
    shown = dct.decode(quantized[clipped] * table)  # (n, 64)
    still_open = clipped[(shown != flat[clipped]).any(1)]
    if len(still_open):
        quantized[still_open] = _complete(samples[still_open] - 128.0, table)
    return quantized


def _complete(samples: Tensor, table: Tensor) -> Tensor:
    """Quantized coefficients of blocks with clipped samples, by alternating projections.

    One set is the blocks whose coefficients are multiples of the steps. The other is the blocks that clip to the
    decoded samples: equal to them where they were not clipped, equal or beyond where they were.

    Args:
        samples: float32 (N, 8, 8), level-shifted (minus 128).
        table: integers (8, 8).

    Returns:
        float32 (N, 8, 8).
    """
    basis, steps = dct_basis(samples), table.float()  # (8, 8) both
    clipped = (samples <= -128.0) | (samples >= 127.0)  # (N, 8, 8)
    guess = samples
    for _ in range(_CLIPPED_ROUNDS):
        # 1. Onto multiples of the steps.
        quantized = (basis @ guess @ basis.T / steps).round()  # (N, 8, 8)
        decoded = basis.T @ (quantized * steps) @ basis  # (N, 8, 8), before clipping
        # 2. Onto blocks that clip to the samples: keep what lies beyond a clipped sample, reset all other samples.
        beyond = clipped & (decoded.abs() > samples.abs()) & (decoded.sign() == samples.sign())
        guess = torch.where(beyond, decoded, samples)
    return quantized
