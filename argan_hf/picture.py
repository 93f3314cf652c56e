"""Splits a picture into planes, and assembles a picture from restored planes.

Alpha and CMYK channels are separated and put back here. `metadata.py` handles Exif and the like, `saving.py` the files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from .jpeg.color import is_neutral, rgb_to_ycbcr, rgb_to_ycbcr_unrounded
from .jpeg.file import (
    MAX_MEGAPIXELS,
    check_depth,
    image_to_tensor,
    load_pixels,
    open_image,
    read_header,
    read_jpeg,
)
from .metadata import kept_info, make_upright


@dataclass(frozen=True)
class PictureParts:
    """A picture split into its parts: planes, what the file states about them, alpha, and metadata.

    Attributes:
        samples: uint8 (1, 3 or 4, H, W): gray; Y, Cb, Cr straight from the decoder for JPEG files; RGB for others; or
            the inverted CMYK channels, in which 255 is no ink.
        rgb: whether the samples are RGB.
        alpha: the opacity, mode "L"; `None` if the picture has none.
        info: color profile, Exif and the like, under Pillow's names.
        format: of the file ("JPEG", …), `None` for a Pillow picture that does not come from a file.
        tables: int32 (planes, 8, 8), the quantization tables of the planes, `None` if they are unknown.
        quality, sampling: of a JPEG file; `None` for other pictures.
        grid_table: int32 (8, 8), the luma table of a JPEG file whose block grid starts at the corner of the planes, so
            that the result can be projected onto the intervals of the file; `None` for other pictures.
        notes: sentences on anything that a user would not expect.
    """

    samples: Tensor
    alpha: Image.Image | None
    info: dict[str, Any]
    format: str | None
    rgb: bool = False
    tables: Tensor | None = None
    quality: int | None = None
    sampling: str | None = None
    grid_table: Tensor | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_neutral(self) -> bool:
        """Whether a picture of three planes holds no color."""
        if self.samples.shape[0] != 3:
            return False
        return bool((self.samples[1:] == self.samples[0]).all()) if self.rgb else is_neutral(self.samples)

    def planes_at(self, rows: slice, columns: slice) -> Tensor:
        """Planes of a part of the picture, float32 (C, h, w), 0..255: Y; Y, Cb, Cr; or inverted CMYK channels."""
        samples = self.samples[:, rows, columns]
        return rgb_to_ycbcr_unrounded(samples) if self.rgb else samples.float()

    def integers_at(self, rows: slice, columns: slice) -> Tensor:
        """The same planes as an encoder rounds them, uint8 (C, h, w): those that an earlier decoder gave, nearly."""
        samples = self.samples[:, rows, columns]
        return rgb_to_ycbcr(samples) if self.rgb else samples


def take_apart(source: str | Path | bytes | Image.Image, max_megapixels: float = MAX_MEGAPIXELS) -> PictureParts:
    """Split a picture into planes, alpha and metadata.

    Args:
        source: a path, the bytes of a file, or a Pillow picture.
        max_megapixels: limit on the size of a path or bytes, in millions of pixels.

    Raises:
        UnreadableImageError: if the file is no picture, is damaged, too large, or of a kind that is not restored.
    """
    image = source if isinstance(source, Image.Image) else open_image(source, max_megapixels)
    notes = _frame_notes(image)
    undecoded = image is not source and image.mode in ("L", "RGB")
    if undecoded and isinstance(image, JpegImageFile) and not _stores_rgb(image):
        file = read_jpeg(image)
        info, more_notes = kept_info(image)
        # A name with commas lists unusual sampling factors. Luma may then be stored at a lower resolution than chroma.
        # The decoder enlarges it, and its blocks are no longer those of the file.
        grid_table = None if "," in file.sampling else file.tables[0]
        return PictureParts(
            file.planes,
            None,
            info,
            image.format,
            tables=file.tables,
            quality=file.quality,
            sampling=file.sampling,
            grid_table=grid_table,
            notes=notes + more_notes,
        )
    return _take_pixels_apart(image, notes)


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    try:
        several = bool(getattr(image, "is_animated", False))
    except Exception:  # A damaged second frame can raise any kind of exception; only the first one is used.
        several = True
    return ("The file holds several pictures; only one of them was restored.",) if several else ()


def _stores_rgb(image: JpegImageFile) -> bool:
    identifiers = bytes(layer[0] for layer in image.layer)
    return identifiers == b"RGB" or (image.info.get("adobe_transform") == 0 and len(identifiers) == 3)


def _take_pixels_apart(image: Image.Image, notes: tuple[str, ...]) -> PictureParts:
    check_depth(image)
    load_pixels(image)
    info, more_notes = kept_info(image)
    quality = sampling = None
    if isinstance(image, JpegImageFile) and image.quantization:
        header = read_header(image)
        quality, sampling = header.quality, header.sampling
    pixels = ImageChops.invert(image) if image.mode == "CMYK" else image.convert(_working_mode(image))
    alpha = pixels.getchannel("A") if pixels.mode in ("LA", "RGBA") else None
    samples = image_to_tensor(pixels.convert({"LA": "L", "RGBA": "RGB"}.get(pixels.mode, pixels.mode)))
    return PictureParts(
        samples,
        alpha,
        info,
        image.format,
        rgb=samples.shape[0] == 3,
        quality=quality,
        sampling=sampling,
        notes=notes + more_notes,
    )


def _working_mode(image: Image.Image) -> str:
    """Mode "L", "LA", "RGB" or "RGBA" that loses nothing of an 8-bit picture."""
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


def put_together(parts: PictureParts, pixels: Tensor, *, upright: bool = True) -> Image.Image:
    """Assemble a picture from restored pixels, with its alpha, color profile and Exif.

    Args:
        parts: alpha and metadata of the picture.
        pixels: uint8 (H, W, C): gray, RGB or inverted CMYK channels, as [`as_pixels`] gives them, channels last.
        upright: whether to apply the Exif orientation; otherwise pixels and tag stay as stored.

    Returns:
        Mode "L", "LA", "RGB", "RGBA" or "CMYK".
    """
    if pixels.shape[2] == 4:
        image = Image.merge("CMYK", [Image.fromarray(255 - band.numpy()) for band in pixels.unbind(2)])
    else:
        image = Image.fromarray(pixels.squeeze(2).numpy())
    if parts.alpha is not None:
        image.putalpha(parts.alpha)
    image.info.update(parts.info)
    return make_upright(image) if upright else image
