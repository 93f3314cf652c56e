"""Finds the parts of a picture that hold no color, so that a restoration leaves them without.

A network gives every pixel a faint tint. A photograph hides it, but beside black and white it shows: in a scan with one
red stamp, paper and letters are neutral in the file and shall be in the result.

A block is left neutral only if its neighbors are neutral, too. JPEG can erase faint colors at the rim of something
colored, and there the network is of use.
"""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

_BLOCK = 16
"""Side of a block in samples: that of one block of halved chroma."""
_STRIP = 16 * _BLOCK
_NEUTRAL = 128


def colored_blocks(samples: Tensor, *, rgb: bool = False) -> Tensor:
    """Which blocks of 16x16 samples hold any color. A single sample suffices.

    Args:
        samples: integers (3, H, W): Y, Cb, Cr (0..255), or RGB.
        rgb: whether they are RGB.

    Returns:
        bool (ceil(H / 16), ceil(W / 16)); the last blocks may be cut by the border.
    """
    width = samples.shape[2]
    found = []
    # In strips, so that a large picture takes no second copy.
    for strip in samples.split(_STRIP, 1):
        first, second = strip[1:]
        colored = (first != strip[0]) | (second != strip[0]) if rgb else (first != _NEUTRAL) | (second != _NEUTRAL)
        whole = pad(colored, (0, -width % _BLOCK, 0, -colored.shape[0] % _BLOCK))
        rows = whole.view(-1, _BLOCK, whole.shape[1]).any(1)
        found.append(rows.view(len(rows), -1, _BLOCK).any(2))
    return torch.cat(found)


def neutral_blocks(colored: Tensor) -> Tensor | None:
    """Which blocks are neutral and have neutral neighbors, all eight of them; beyond the border there is no color.

    Args:
        colored: bool (rows, columns), from [`colored_blocks`].

    Returns:
        bool, same shape; `None` if there are no such blocks.
    """
    neutral = max_pool2d(colored[None, None].float(), 3, 1, 1)[0, 0] == 0
    return neutral if neutral.any() else None


def left_neutral(restored: Tensor, neutral: Tensor, rows: slice, columns: slice) -> Tensor:
    """Restored planes with chroma of exactly 128 in neutral blocks.

    Args:
        restored: float32 (3, h, w), Y, Cb, Cr of a part of a picture; it is not changed.
        neutral: bool, from [`neutral_blocks`], of the whole picture.
        rows, columns: of the picture that the part covers.

    Returns:
        float32 (3, h, w).
    """
    top, left = rows.start // _BLOCK, columns.start // _BLOCK
    blocks = neutral[top : -(-rows.stop // _BLOCK), left : -(-columns.stop // _BLOCK)]
    if not blocks.any():
        return restored
    inside = blocks.repeat_interleave(_BLOCK, 0).repeat_interleave(_BLOCK, 1)
    inside = inside[rows.start - top * _BLOCK :, columns.start - left * _BLOCK :]
    inside = inside[: restored.shape[1], : restored.shape[2]]
    return torch.cat((restored[:1], restored[1:].masked_fill(inside, _NEUTRAL)))
