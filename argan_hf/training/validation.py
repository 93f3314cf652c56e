"""Scores a network on held-out pictures during training, at fixed qualities, as `evaluation/protocol.py` does."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..evaluation.metrics import high_frequency_ratio, psnr
from ..jpeg.codec import compress_plane, compress_ycbcr
from ..jpeg.color import rgb_to_studio_luma, rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from ..jpeg.tables import quantization_tables

QUALITIES = (10, 20, 30, 40)

_SAMPLE_WIDTH = 192
_SAMPLE_ROWS = 4


@dataclass(frozen=True)
class Validation:
    """The scores of a network, and examples.

    Attributes:
        scores: `psnr_qQ`, `gain_qQ` (both in dB) and `texture_qQ` (energy of fine texture over the original's) for
            quality Q on luma, averaged over pictures; for networks of three planes the same on RGB, with the prefix
            `rgb_`.
        samples: uint8 (C, H, W), C is 1 or 3: strips of compressed, restored, original at the lowest quality.
    """

    scores: dict[str, float]
    samples: Tensor

    @property
    def gain(self) -> float:
        """The mean of all gains, in dB; it decides which weights are the best."""
        gains = [score for name, score in self.scores.items() if "gain" in name]
        return sum(gains) / len(gains)


@torch.inference_mode()
def validate(restore: Callable[[Tensor], Tensor], pictures: list[Tensor], num_channels: int) -> Validation:
    """Score a network in blind restoration: it gets no quantization tables.

    Args:
        restore: maps float (1, C, H, W) in 0..1 to the same shape; C = 1 and, if `num_channels` is 3, also C = 3 (Y,
            Cb, Cr).
        pictures: RGB, uint8 (3, H, W).
        num_channels: number of planes that the network restores, 1 or 3.

    Raises:
        ValueError: if there is no picture.
    """
    if not pictures:
        raise ValueError("there is no picture to validate on")
    scores: dict[str, float] = {}
    strips: list[Tensor] = []
    for quality in QUALITIES:
        for prefix, pair in (("", _luma_pair), ("rgb_", _color_pair))[: 1 if num_channels == 1 else 2]:
            total = gain = texture = 0.0
            for picture in pictures:
                original, degraded = pair(picture[None], quality)
                restored = restore(degraded / 255.0).float().cpu() * 255.0
                shown = [_shown(planes) for planes in (degraded, restored)] + [original]
                score = float(psnr(shown[1], original))
                total += score
                texture += float(high_frequency_ratio(shown[1], original))
                gain += score - float(psnr(shown[0], original))
                if quality == QUALITIES[0] and shown[1].shape[1] == num_channels and len(strips) < _SAMPLE_ROWS:
                    strips.append(torch.cat(shown, dim=3)[0, :, :_SAMPLE_WIDTH])
            scores[f"{prefix}psnr_q{quality}"] = total / len(pictures)
            scores[f"{prefix}gain_q{quality}"] = gain / len(pictures)
            scores[f"{prefix}texture_q{quality}"] = texture / len(pictures)
    width = max(strip.shape[2] for strip in strips)
    return Validation(scores, torch.cat([F.pad(strip, (0, width - strip.shape[2])) for strip in strips], dim=1))


def _luma_pair(rgb: Tensor, quality: int) -> tuple[Tensor, Tensor]:
    """Original and compressed studio-swing luma, both uint8 (1, 1, H, W)."""
    original = rgb_to_studio_luma(rgb)
    return original, compress_plane(original[:, 0], quantization_tables(quality)[0])[:, None]


def _color_pair(rgb: Tensor, quality: int) -> tuple[Tensor, Tensor]:
    """The original RGB, and the compressed Y, Cb, Cr planes; both uint8 (1, 3, H, W)."""
    return rgb, compress_ycbcr(rgb_to_ycbcr(rgb), quantization_tables(quality), "4:2:0")


def _shown(planes: Tensor) -> Tensor:
    """The picture that is scored: uint8 luma or RGB."""
    return to_uint8(planes.float()) if planes.shape[1] == 1 else ycbcr_to_rgb(planes)
