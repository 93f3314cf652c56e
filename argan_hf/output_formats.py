"""The formats that can be written, and what each can hold.

PNG, TIFF and WebP are written losslessly: lossy WebP would subsample the chroma and add block artifacts again. JPEG and
AVIF are lossy.
"""

from dataclasses import dataclass, field
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class OutputFormat:
    """A format that can be written.

    Attributes:
        name: as Pillow names it.
        carries: the metadata that it holds, under the names of [`kept_info`].
        options: for Pillow's encoder.
        cmyk, alpha, deep: whether it holds CMYK channels, transparency, or 16 bits per channel.
        lossy: whether it changes the pixels.
        max_side: the largest width and height, in pixels.
    """

    name: str
    carries: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    cmyk: bool = False
    alpha: bool = True
    deep: bool = False
    lossy: bool = False
    max_side: int = 2**31 - 1

    @property
    def title(self) -> str:
        """The name as people write it."""
        return "WebP" if self.name == "WEBP" else self.name


PNG = OutputFormat(
    "PNG",
    (
        *("icc_profile", "exif", "xmp", "dpi", "comment", "iptc", "text"),
        *("gamma", "chromaticity", "srgb", "cicp", "mdcv", "clli"),
    ),
    # `png_compression.py` does it faster.
    {"compress_level": 0},
    deep=True,
)
# Not compressed: Pillow writes compressed TIFF files with libtiff, which drops the Exif directories.
TIFF = OutputFormat("TIFF", ("icc_profile", "exif", "xmp", "dpi", "comment", "iptc", "photoshop"), cmyk=True, deep=True)
WEBP = OutputFormat("WEBP", ("icc_profile", "exif", "xmp"), {"lossless": True, "exact": True}, max_side=16383)
AVIF = OutputFormat(
    "AVIF", ("icc_profile", "exif", "xmp"), {"quality": 90, "subsampling": "4:4:4"}, lossy=True, max_side=65535
)
JPEG = OutputFormat(
    "JPEG",
    ("icc_profile", "exif", "xmp", "dpi", "comment", "iptc", "photoshop"),
    {"quality": 95, "subsampling": "4:4:4", "optimize": True},
    cmyk=True,
    alpha=False,
    lossy=True,
    max_side=65500,
)
FORMATS = {
    ".png": PNG,
    ".webp": WEBP,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".avif": AVIF,
    ".jpg": JPEG,
    ".jpeg": JPEG,
}
"""By suffix."""


def output_format(suffix: str) -> OutputFormat:
    """The format that a suffix names.

    Args:
        suffix: ".png", ".tif", ".tiff", ".webp", ".avif", ".jpg" or ".jpeg", in any case, with or without the dot.

    Raises:
        ValueError: if it names no format that can be written; the message names the valid suffixes.
    """
    chosen = FORMATS.get("." + suffix.lower().removeprefix("."))
    if chosen is None:
        raise ValueError(f"{suffix or 'no suffix'} is no picture format to write; use one of {', '.join(FORMATS)}")
    if chosen.name not in Image.SAVE:
        Image.init()
        if chosen.name not in Image.SAVE:
            raise ValueError(f"the installed Pillow cannot write {chosen.name}; use .png")
    return chosen
