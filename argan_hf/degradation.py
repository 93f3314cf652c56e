"""The JPEG life of training crops: original crops in, what a decoder would show out, on the crops' own device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .jpeg.codec import compress_planes
from .jpeg.color import rgb_to_studio_luma, rgb_to_ycbcr, to_uint8
from .jpeg.tables import quantization_tables


@dataclass(frozen=True)
class DegradationSettings:
    """What is drawn for every crop.

    Attributes:
        min_quality, max_quality: the range of libjpeg qualities, both included.
        quality_skew: qualities are `min + (max - min) * u ** skew` with u uniform in 0..1; 1 is uniform, larger
            values prefer low qualities.
        studio_swing_share: share of crops with studio-swing luma 16..235, as published tables are measured; the
            others have the full swing that files in the wild have.
    """

    min_quality: int = 10
    max_quality: int = 40
    quality_skew: float = 1.0
    studio_swing_share: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.min_quality <= self.max_quality <= 100:
            raise ValueError(f"qualities must satisfy 1 <= min <= max <= 100: {self.min_quality}, {self.max_quality}")
        if self.quality_skew <= 0:
            raise ValueError(f"quality_skew must be positive, found {self.quality_skew}")
        if not 0 <= self.studio_swing_share <= 1:
            raise ValueError(f"studio_swing_share must lie in 0..1, found {self.studio_swing_share}")


@dataclass(frozen=True)
class DegradedCrops:
    """Crops before and after JPEG, and what was drawn.

    Attributes:
        degraded, original: uint8 (B, C, H, W) planes.
        quantization: int32 (B, C, 8, 8), the tables of the compression.
        quality: int64 (B,).
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    quality: Tensor


def degrade_luma(crops: Tensor, settings: DegradationSettings, generator: torch.Generator) -> DegradedCrops:
    """Luma of RGB crops, compressed at random qualities.

    Args:
        crops: uint8 (B, 3, H, W).
        settings: what to draw.
        generator: source of all randomness, on the device of `crops`.

    Returns:
        Planes with C = 1.
    """
    batch, device = crops.shape[0], crops.device
    studio = torch.rand(batch, 1, 1, 1, generator=generator, device=device) < settings.studio_swing_share
    original = torch.where(studio, rgb_to_studio_luma(crops), to_uint8(rgb_to_ycbcr(crops)[:, :1]))
    position = torch.rand(batch, generator=generator, device=device) ** settings.quality_skew
    span = settings.max_quality - settings.min_quality + 1
    quality = settings.min_quality + (position * span).long().clamp_(max=span - 1)
    tables = quantization_tables(quality)[:, :1]
    degraded = compress_planes(original[:, 0], tables[:, 0])[:, None]
    return DegradedCrops(degraded, original, tables, quality)
