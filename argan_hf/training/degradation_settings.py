"""What is drawn for every training crop: a group of flags of `train.py`, and the settings of [`degrade`] alone."""

import math
from dataclasses import dataclass, field, fields
from typing import ClassVar

from .argument_groups import described

GRID = 16
"""The largest JPEG unit in pixels, two blocks of luma with 4:2:0 chroma: offsets are smaller than this."""


@dataclass
class DegradationSettings:
    """Distribution of the degradation of a crop; the defaults are the task of the paper. Shares lie in 0..1.

    Raises:
        ValueError: if a value is out of range; the message names the field and the valid values.
    """

    _argument_group_name: ClassVar[str] = "degradation"

    min_quality: int = field(default=10, metadata=described("Lowest libjpeg quality, 1..100."))
    max_quality: int = field(default=40, metadata=described("Highest libjpeg quality."))
    quality_skew: float = field(
        default=1.0,
        metadata=described(
            "Qualities are drawn as min + floor((max - min + 1) * u ** skew) with u uniform in 0..1. 1: uniform; "
            "larger values prefer low qualities."
        ),
    )
    studio_swing_share: float = field(
        default=0.5,
        metadata=described(
            "Share of gray crops with studio-swing luma 16..235, on which published tables are measured; the others "
            "have full-swing luma 0..255, as real files have."
        ),
    )
    gray_share: float = field(
        default=0.0,
        metadata=described("Share of gray crops (neutral chroma) when three planes are restored."),
    )
    share_420: float = field(default=0.6, metadata=described("Share of color crops with 4:2:0 chroma."))
    share_422: float = field(
        default=0.1, metadata=described("Share of color crops with 4:2:2 chroma; the rest has 4:4:4 chroma.")
    )
    offset_share: float = field(
        default=0.0,
        metadata=described(
            "Share of crops whose JPEG grid is moved by 0 to 15 pixels; where it no longer starts at their corner, the "
            "network is always blind."
        ),
    )
    earlier_share: float = field(
        default=0.0,
        metadata=described("Share of crops that were compressed once before, at a quality and offset of their own."),
    )
    resize_share: float = field(
        default=0.0, metadata=described("Share of the crops compressed before that were resized in between.")
    )
    min_scale: float = field(default=0.75, metadata=described("Smallest factor of that resizing."))
    max_scale: float = field(default=1.5, metadata=described("Largest factor of that resizing."))
    custom_table_share: float = field(
        default=0.0,
        metadata=described("Share of crops with tables of no libjpeg quality, as other encoders write them."),
    )
    unknown_table_share: float = field(
        default=0.0,
        metadata=described(
            "Share of the crops with a grid at their corner for which the network is blind (gets no tables)."
        ),
    )
    clean_share: float = field(default=0.0, metadata=described("Share of crops that were never compressed."))

    def __post_init__(self) -> None:
        if not 1 <= self.min_quality <= self.max_quality <= 100:
            raise ValueError(f"qualities must satisfy 1 <= min <= max <= 100: {self.min_quality}, {self.max_quality}")
        if self.quality_skew <= 0:
            raise ValueError(f"quality_skew must be positive, found {self.quality_skew}")
        if not 0 < self.min_scale <= self.max_scale:
            raise ValueError(f"scales must satisfy 0 < min <= max, found {self.min_scale}, {self.max_scale}")
        for name in (one.name for one in fields(DegradationSettings) if "share" in one.name):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1, found {getattr(self, name)}")
        if self.share_420 + self.share_422 > 1:
            raise ValueError(f"share_420 and share_422 exceed 1 together: {self.share_420}, {self.share_422}")

    def canvas_size(self, crop_size: int) -> int:
        """Side of the canvas from which a crop of side `crop_size` is cut, both in pixels."""
        if not (self.offset_share or self.earlier_share):
            return crop_size
        scale = min(1.0, self.min_scale) if self.earlier_share and self.resize_share else 1.0
        # As many pixels before as behind what the last compression covers, so that turned crops stay on the grid.
        return crop_size + GRID + 2 * math.ceil((crop_size + GRID) * (1 / scale - 1) / 2 - 1e-9)

    def margin(self, crop_size: int) -> int:
        """Pixels of a canvas before the part that the last compression covers, where nothing is resized."""
        covered = crop_size + GRID if self.offset_share or self.earlier_share else crop_size
        return (self.canvas_size(crop_size) - covered) // 2
