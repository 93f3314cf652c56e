"""Perceptual metrics that need no downloaded network (the extra `perceptual`).

Where detail is lost, PSNR and SSIM prefer a blurred result. SSIMULACRA 2 was tuned to ratings by people, and VIF models
how much information the visual system can extract.
"""

import io

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

_NEEDED = (
    "perceptual scores need ssimulacra2 and torchmetrics: install them with `pip install ssimulacra2 torchmetrics`, or "
    'with `pip install -e ".[perceptual]"` in a checkout of the repository'
)

# VIF halves the picture three times; the 3x3 window must still fit then.
_SMALLEST_SIDE = 41


def ssimulacra2(restored: Tensor, original: Tensor) -> float:
    """SSIMULACRA 2 of two uint8 pictures (1, C, H, W), C = 1 or 3.

    100 means identical. At 90 the difference is hard to see, at 50 it is visible.

    Raises:
        ImportError: if the library `ssimulacra2` is not installed.
    """
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    return float(compute_ssimulacra2(_file(original), _file(restored)))


def visual_information_fidelity(restored: Tensor, original: Tensor) -> float:
    """VIF in the pixel domain (Sheikh and Bovik, 2006) of two uint8 pictures (1, C, H, W), averaged over channels.

    The share of the visual information of the original that the restored picture has: 1 is all of it. Sides below 41
    pixels are padded by repeating the border.

    Raises:
        ImportError: if the library `torchmetrics` is not installed.
    """
    try:
        from torchmetrics.functional.image import visual_information_fidelity as vif
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    height, width = restored.shape[-2:]
    pad = (0, max(0, _SMALLEST_SIDE - width), 0, max(0, _SMALLEST_SIDE - height))
    padded = [F.pad(picture.float(), pad, mode="replicate") for picture in (restored, original)]
    return float(vif(padded[0], padded[1]))


def _file(picture: Tensor) -> io.BytesIO:
    buffer = io.BytesIO()
    pixels = picture[0].to(torch.uint8).permute(1, 2, 0).squeeze(2).cpu().numpy()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    return buffer
