"""How much a network of which nothing is known needs around a tile, found by trying.

Networks of others do what following NaNs cannot see through: windows that wrap around and are masked, averages over the
whole picture, sizes that are padded. What counts is whether a part of a picture comes out as it does in the whole.
"""

import io
import logging
import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .drawn_picture import draw_picture

logger = logging.getLogger(__name__)

LARGEST_MARGIN = 256
"""In pixels. A network that needs more around a tile is run on whole pictures."""

TOLERANCE = 0.02
"""In gray levels. Rounding alone changes results of large networks by some thousandths from one size to another."""

_LEAST_MARGIN = 16
_LEAST_SIDE = 64
# Coarse blocks on smooth ground are where networks look farthest. With other qualities beside them, a network that
# estimates one quality for the whole picture estimates another for a part.
_QUALITIES = (10, 60, 30)


@torch.inference_mode()
def measured_margin(
    network: Callable[[Tensor], Tensor], num_channels: int, divisor: int, minimum: int = 1
) -> int | None:
    """How many pixels around a tile change what a network gives for the tile.

    It is measured on strips of drawn pictures, upright and across: parts of a strip are restored with more and more of
    the strip beside them, until they come out as in the whole strip.

    Args:
        network: maps float (1, C, H, W), Y'CbCr planes, 0..1, to the same shape, on the CPU.
        num_channels: C.
        divisor: what the network gets starts at multiples of it, in pixels.
        minimum: of height and width, in pixels.

    Returns:
        The margin in pixels, a multiple of `divisor`; `None` if `LARGEST_MARGIN`, rounded up to such a multiple, is too
        little.
    """
    margins = sorted({_up(_LEAST_MARGIN << doubled, divisor) for doubled in range(LARGEST_MARGIN.bit_length() - 4)})
    # Parts of a strip: one at its start, and one that starts at an odd multiple of the divisor.
    end = _up(max(margins), 2 * divisor)
    odd = 2 * end + divisor
    side = _up(max(_LEAST_SIDE, minimum), divisor)
    found = 0  # Number of the margin that suffices so far.
    for upright in (True, False):
        strip = _strip(odd + 2 * max(margins) + end, side, num_channels, upright=upright)
        axis = 2 if upright else 3
        whole = network(strip)
        for is_first in (True, False):
            while True:
                margin = margins[found]
                start, before = (0, 0) if is_first else (odd, margin)
                restored = network(strip.narrow(axis, start, before + end + margin).contiguous())
                expected = whole.narrow(axis, start + before, end)
                difference = float((restored.narrow(axis, before, end) - expected).abs().max()) * 255.0
                logger.debug("margin %d: %.4f gray levels", margin, difference)
                if difference <= TOLERANCE:
                    break
                found += 1
                if found == len(margins):
                    return None
    return margins[found]


def _up(size: int, divisor: int) -> int:
    return -(-size // divisor) * divisor


def _strip(length: int, side: int, num_channels: int, *, upright: bool) -> Tensor:
    """Planes of drawn pictures in a row, compressed, float (1, C, length, side), or across (1, C, side, length)."""
    height, width = 240, 320
    row = []
    for seed in range(-(-length // height)):
        buffer = io.BytesIO()
        draw_picture(seed).save(buffer, "JPEG", quality=_QUALITIES[seed % len(_QUALITIES)])
        with Image.open(buffer) as image:
            image.draft("YCbCr", None)
            planes = np.array(image.convert("YCbCr"))
        # Where a strip is wider than a picture, the picture is repeated.
        row.append(np.tile(planes, (math.ceil(side / height), math.ceil(side / width), 1)))
    strip = np.concatenate(row, 0 if upright else 1)
    planes = strip[:length, :side] if upright else strip[:side, :length]
    return torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None, :num_channels] / 255.0
