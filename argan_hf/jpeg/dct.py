"""The 8x8 integer DCT of libjpeg ("ISLOW") and the cutting of planes into blocks.

Blocks have the shape (8, 8, B, rows, columns). The two axes of the block come first, so that every step of the
butterflies works on long contiguous memory. All arithmetic is int32, which suffices for every table and every 8-bit
picture. Every output of a pass has 13 fractional bits more than its input and half a unit added, so that one right
shift rounds all eight outputs as libjpeg does.
"""

import torch
from torch import Tensor

from .resampling import repeat_border

_CONST_BITS = 13
_PASS1_BITS = 2
FORWARD_BITS = (_CONST_BITS - _PASS1_BITS, _CONST_BITS + _PASS1_BITS)
INVERSE_BITS = (_CONST_BITS - _PASS1_BITS, _CONST_BITS + _PASS1_BITS + 3)
"""Bits that are rounded away after the first and after the second pass."""

# round(x * 2**13) for the rotations of the algorithm of Loeffler, Ligtenberg and Moschytz (jfdctint.c, jidctint.c).
_0_298, _0_390, _0_541, _0_765 = 2446, 3196, 4433, 6270
_0_899, _1_175, _1_501, _1_847 = 7373, 9633, 12299, 15137
_1_961, _2_053, _2_562, _3_072 = 16069, 16819, 20995, 25172


def planes_to_blocks(planes: Tensor) -> Tensor:
    """Cut planes into 8x8 blocks; the last column and row are repeated to a multiple of 8 (`expand_right_edge`).

    Args:
        planes: (B, H, W) integers, H and W at least 1.

    Returns:
        (8, 8, B, ceil(H / 8), ceil(W / 8)), contiguous, same dtype; the first axis is the row in the block.
    """
    batch, height, width = planes.shape
    rows, columns = -(-height // 8), -(-width // 8)
    blocks = repeat_border(planes, 8 * rows, 8 * columns).reshape(batch, rows, 8, columns, 8)
    return blocks.permute(2, 4, 0, 1, 3).contiguous()


def blocks_to_planes(blocks: Tensor, height: int, width: int) -> Tensor:
    """Assemble (8, 8, B, rows, columns) blocks to (B, height, width) planes; samples beyond that size are dropped."""
    _, _, batch, rows, columns = blocks.shape
    planes = blocks.permute(2, 3, 0, 4, 1).reshape(batch, rows * 8, columns * 8)
    return planes[:, :height, :width].contiguous()


def _odd_part(b4: Tensor, b5: Tensor, b6: Tensor, b7: Tensor, half: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The rotations of the odd coefficients, which both directions share.

    Args:
        b4, b5, b6, b7: int32 (8, ...), `tmp4` to `tmp7` of jfdctint.c, `tmp0` to `tmp3` of the odd part of jidctint.c.
        half: added to every output, so that a later shift rounds.

    Returns:
        Four int32 tensors of the same shape: the same variables after the rotations, with 13 more fractional bits.
    """
    # 1. Sums of pairs; z5 is their common rotation.
    z1, z2, z3, z4 = b4 + b7, b5 + b6, b4 + b6, b5 + b7  # (8, ...) each
    z5 = (z3 + z4).mul_(_1_175).add_(half)  # with 13 more fractional bits, as everything below
    z3, z4 = torch.add(z5, z3, alpha=-_1_961), torch.add(z5, z4, alpha=-_0_390)
    # 2. Every output is a sum of two shared terms and its own input, each scaled.
    return (
        torch.add(z3, z1, alpha=-_0_899).add_(b4, alpha=_0_298),
        torch.add(z4, z2, alpha=-_2_562).add_(b5, alpha=_2_053),
        torch.add(z3, z2, alpha=-_2_562).add_(b6, alpha=_3_072),
        torch.add(z4, z1, alpha=-_0_899).add_(b7, alpha=_1_501),
    )


def _forward_pass(x: Tensor, dim: int, bits: int) -> Tensor:
    """One-dimensional DCT of int32 (8, 8, ...) along `dim` (0 or 1); `bits` bits are rounded away."""
    half = 1 << (bits - 1)
    x0, x1, x2, x3, x4, x5, x6, x7 = x.unbind(dim)  # (8, ...) each
    # 1. Butterflies of the even part: sums of mirrored inputs, then their sums and differences.
    a0, a1, a2, a3 = x0 + x7, x1 + x6, x2 + x5, x3 + x4  # (8, ...) each
    e0, e1, e2, e3 = a0 + a3, a1 + a2, a1 - a2, a0 - a3  # (8, ...) each
    # 2. Even coefficients, with 13 more fractional bits and half a unit for rounding.
    f0 = e0.mul_(1 << _CONST_BITS).add_(half)
    w = (e2 + e3).mul_(_0_541).add_(half)
    y0, y4 = torch.add(f0, e1, alpha=1 << _CONST_BITS), torch.add(f0, e1, alpha=-(1 << _CONST_BITS))
    y2, y6 = torch.add(w, e3, alpha=_0_765), torch.add(w, e2, alpha=-_1_847)
    # 3. Odd coefficients, from differences of mirrored inputs.
    y7, y5, y3, y1 = _odd_part(x3 - x4, x2 - x5, x1 - x6, x0 - x7, half)
    # 4. Back in order, rounded by one shift.
    return torch.stack((y0, y1, y2, y3, y4, y5, y6, y7), dim).bitwise_right_shift_(bits)  # (8, 8, ...)


def forward_dct(blocks: Tensor) -> Tensor:
    """Forward DCT of level-shifted blocks (`jpeg_fdct_islow`).

    Args:
        blocks: int32 (8, 8, ...), samples minus 128.

    Returns:
        int32 coefficients, same shape, 8 times the orthonormal DCT; the first axis is the vertical frequency.
    """
    rows = _forward_pass(blocks, 1, FORWARD_BITS[0])
    return _forward_pass(rows, 0, FORWARD_BITS[1])


def forward_matrix() -> Tensor:
    """A pass of the forward DCT before bits are rounded away, int32 (8, 8): frequency, sample."""
    # Nothing is rounded away from multiples of 16.
    return _forward_pass(16 * torch.eye(8, dtype=torch.int32), 0, 4)


def _inverse_pass(x: Tensor, dim: int, bits: int) -> Tensor:
    """One-dimensional inverse DCT of int32 (8, 8, ...) along `dim` (0 or 1); `bits` bits are rounded away."""
    half = 1 << (bits - 1)
    x0, x1, x2, x3, x4, x5, x6, x7 = x.unbind(dim)  # (8, ...) each
    # 1. Even part: rotation of x2 and x6, sum and difference of x0 and x4, with 13 more fractional bits.
    w = (x2 + x6).mul_(_0_541)
    t2, t3 = torch.add(w, x6, alpha=-_1_847), torch.add(w, x2, alpha=_0_765)
    f0 = (x0 << _CONST_BITS).add_(half)  # carries the half unit for rounding into every output
    t0, t1 = torch.add(f0, x4, alpha=1 << _CONST_BITS), torch.add(f0, x4, alpha=-(1 << _CONST_BITS))
    p0, p1, p2, p3 = t0 + t3, t1 + t2, t1 - t2, t0 - t3  # (8, ...) each
    # 2. Odd part.
    o7, o5, o3, o1 = _odd_part(x7, x5, x3, x1, 0)
    # 3. Mirrored outputs are sums and differences of both parts; one shift rounds them.
    sums = (p0 + o1, p1 + o3, p2 + o5, p3 + o7, p3 - o7, p2 - o5, p1 - o3, p0 - o1)
    return torch.stack(sums, dim).bitwise_right_shift_(bits)  # (8, 8, ...)


def inverse_dct(coefficients: Tensor) -> Tensor:
    """Inverse DCT to samples (`jpeg_idct_islow`).

    Args:
        coefficients: int32 (8, 8, ...), dequantized, in the scale of the orthonormal DCT.

    Returns:
        int32 samples 0..255, same shape.
    """
    columns = _inverse_pass(coefficients, 0, INVERSE_BITS[0])
    samples = _inverse_pass(columns, 1, INVERSE_BITS[1])
    return samples.add_(128).clamp_(0, 255)


def inverse_matrix() -> Tensor:
    """A pass of the inverse DCT before bits are rounded away, int32 (8, 8): sample, frequency."""
    return _inverse_pass(16 * torch.eye(8, dtype=torch.int32), 0, 4)
