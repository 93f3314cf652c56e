"""Blocks as rows of matrices: the orthonormal DCT, and the integer DCT of libjpeg in exact matrix products.

`dct.py` runs the butterflies over whole pictures, which takes dozens of passes over memory. Where only some blocks are
of interest, and a processor does the work, two products with matrices of 64x64 are many times faster. The result is the
same in every bit: within a pass, the integer DCT is linear, and double precision holds all its sums exactly. Double
precision is the same on every device; single precision is not, where a setting allows faster products with fewer bits.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .dct import FORWARD_BITS, INVERSE_BITS, forward_matrix, inverse_matrix

# Blocks that are worked on together, for every core: their temporaries stay in its cache.
_TOGETHER = 1 << 11


def dct_basis(like: Tensor) -> Tensor:
    """Orthonormal DCT-II of 8 samples, (8, 8): frequency, sample; device and dtype of `like`."""
    n = torch.arange(8, dtype=torch.float64)
    basis = torch.cos((2 * n + 1) * n[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    return basis.to(like, non_blocking=True)


def cut(planes: Tensor) -> Tensor:
    """A copy of the whole blocks of planes (..., H, W) of any dtype.

    Returns:
        float32 (..., N, 8, 8), row by row; N is (H // 8) * (W // 8).
    """
    whole = _whole_blocks(planes)
    return torch.empty(whole.shape, device=planes.device).copy_(whole).flatten(-4, -3)


def paste(blocks: Tensor, plane: Tensor) -> None:
    """Write blocks (N, 8, 8) into a plane (H, W), in place; the inverse of [`cut`]. What lies beyond stays."""
    whole = _whole_blocks(plane)
    whole.copy_(blocks.view(whole.shape))


def _whole_blocks(planes: Tensor) -> Tensor:
    """A view of planes (..., H, W) as (..., rows, columns, 8, 8), without what lies beyond the last whole block."""
    rows, columns = planes.shape[-2] // 8, planes.shape[-1] // 8
    # (..., rows * 8, columns, 8), then (..., rows, 8, columns, 8)
    whole: Tensor = planes[..., : rows * 8, : columns * 8].unflatten(-1, (columns, 8)).unflatten(-3, (rows, 8))
    return whole.transpose(-3, -2)


def strips(rows: int, columns: int, device: torch.device) -> Iterator[slice]:
    """Cut a grid of blocks into strips that are worked on one after the other: rows of blocks, all of them in turn.

    On a processor a strip fits into the cache; elsewhere there is one strip, and none if there are no blocks.
    """
    if rows * columns == 0:
        return
    together = max(_TOGETHER * torch.get_num_threads() // columns, 1) if device.type == "cpu" else rows
    for top in range(0, rows, together):
        yield slice(top, min(top + together, rows))


class IntegerDct:
    """The integer DCT of libjpeg ("ISLOW") for blocks of 8-bit pictures.

    Args:
        device: of the blocks.
    """

    def __init__(self, device: torch.device) -> None:
        one = torch.eye(8, dtype=torch.float64)
        forward, inverse = forward_matrix().double(), inverse_matrix().double()
        # A pass along one axis of the block is a matrix (64, 64) for the block as a row of 64 numbers. Powers of two,
        # by which libjpeg shifts, only move the point. Rows of a block first, as in `dct.py`; columns when decoding.
        first, second = (
            torch.kron(one, forward / 2 ** FORWARD_BITS[0]).T,
            torch.kron(forward / 2 ** FORWARD_BITS[1], one).T,
        )
        self._forward = (first.to(device), second.to(device))
        # 128 less in every sample, and half a unit more, so that the floor rounds.
        self._forward_start = (0.5 - 128.0 * first.sum(0)).to(device)
        self._inverse = (
            torch.kron(inverse / 2 ** INVERSE_BITS[0], one).T.to(device),
            torch.kron(one, inverse / 2 ** INVERSE_BITS[1]).T.to(device),
        )
        self._half = torch.full((64,), 0.5, dtype=torch.float64, device=device)

    def encode(self, samples: Tensor) -> Tensor:
        """Coefficients before quantization (`jpeg_fdct_islow`).

        Args:
            samples: (N, 8, 8), integers 0..255 of any dtype.

        Returns:
            float64 (N, 64), integers: 8 times the orthonormal DCT, vertical frequency first.
        """
        rows = torch.addmm(self._forward_start, samples.flatten(1).double(), self._forward[0]).floor_()  # (N, 64)
        return torch.addmm(self._half, rows, self._forward[1]).floor_()

    def decode(self, coefficients: Tensor) -> Tensor:
        """Samples of dequantized coefficients (`jpeg_idct_islow`).

        Args:
            coefficients: (N, 8, 8), integers of any dtype, in the scale of the orthonormal DCT.

        Returns:
            float64 (N, 64), integers 0..255.
        """
        columns = torch.addmm(self._half, coefficients.flatten(1).double(), self._inverse[0]).floor_()  # (N, 64)
        return torch.addmm(self._half, columns, self._inverse[1]).floor_().add_(128.0).clamp_(0.0, 255.0)
