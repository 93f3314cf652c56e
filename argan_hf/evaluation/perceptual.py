"""How close a picture looks, by metrics that need no downloaded network (the extra `perceptual`).

PSNR and SSIM reward blur where the truth cannot be known; these two were fitted to what people see.
"""

import io

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

_NEEDED = 'perceptual scores need ssimulacra2 and torchmetrics: pip install "argan-hf[perceptual]"'

# VIF halves the picture three times and then needs a window of 3x3 to fit.
_SMALLEST_SIDE = 41


def ssimulacra2(restored: Tensor, original: Tensor) -> float:
    """SSIMULACRA2 of two uint8 pictures (1, C, H, W), C = 1 or 3; 100 is identical, 90 hard to tell apart, 50 visible.

    Raises:
        ImportError: if the extra is not installed.
    """
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    return float(compute_ssimulacra2(_file(original), _file(restored)))


def visual_information_fidelity(restored: Tensor, original: Tensor) -> float:
    """VIF in the pixel domain (Sheikh and Bovik, 2006) of two uint8 pictures (1, C, H, W), mean over channels.

    The share of the original's information that is still there: 1 is all of it.

    Raises:
        ImportError: if the extra is not installed.
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
