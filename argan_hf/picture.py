"""Pictures taken apart into planes, and put together again.

The only room that knows about alpha and inks; `metadata.py` knows what travels with the pixels, `saving.py` the files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PpmImagePlugin import PpmImageFile
from torch import Tensor

from .jpeg.color import is_neutral, rgb_to_ycbcr_unrounded
from .jpeg.file import (
    MAX_MEGAPIXELS,
    UnreadableImageError,
    image_to_tensor,
    load_pixels,
    open_image,
    read_header,
    read_jpeg,
)
from .metadata import kept_info, make_upright

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class PictureParts:
    """A picture taken apart: its planes, what the file says of them, and what is put back afterwards.

    Attributes:
        samples: uint8 (1, 3 or 4, H, W): gray; Y, Cb, Cr straight from the decoder for JPEG files; RGB for others; or
            the light that each ink of a CMYK picture leaves.
        rgb: whether the samples are RGB.
        alpha: what is opaque, mode "L".
        info: color profile, Exif and the like, as Pillow keeps them.
        format: of the file, `None` for a picture that came without one.
        tables: int32 (planes, 8, 8), the quantization tables of the planes, where they are known.
        quality, sampling: of a JPEG file.
        grid_table: the luma table of a file whose grid starts at the corner of the planes.
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
        """Planes of a part of the picture, float32 (C, h, w), 0..255: Y; Y, Cb, Cr; or inks."""
        samples = self.samples[:, rows, columns]
        return rgb_to_ycbcr_unrounded(samples) if self.rgb else samples.float()


def take_apart(source: str | Path | bytes | Image.Image, max_megapixels: float = MAX_MEGAPIXELS) -> PictureParts:
    """Take a picture apart.

    Args:
        source: a path, the bytes of a file, or a Pillow picture.
        max_megapixels: the most that a path or bytes may claim to hold.

    Raises:
        UnreadableImageError: if the file is no picture, is damaged, too large, or of a kind that is not restored.
    """
    image = source if isinstance(source, Image.Image) else open_image(source, max_megapixels)
    notes = _frame_notes(image)
    undecoded = image is not source and image.mode in ("L", "RGB")
    if undecoded and isinstance(image, JpegImageFile) and not _stores_rgb(image):
        file = read_jpeg(image)
        info, more_notes = kept_info(image)
        # Luma coarser than chroma was enlarged by the decoder: its blocks are no longer those of the file.
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
    except Exception:  # A second frame may be damaged in any way, and is not wanted.
        several = True
    return ("The file holds several pictures; only one of them was restored.",) if several else ()


def _stores_rgb(image: JpegImageFile) -> bool:
    identifiers = bytes(layer[0] for layer in image.layer)
    return identifiers == b"RGB" or (image.info.get("adobe_transform") == 0 and len(identifiers) == 3)


def _take_pixels_apart(image: Image.Image, notes: tuple[str, ...]) -> PictureParts:
    kind = image.format or "picture"
    if image.mode not in _MODES:
        raise UnreadableImageError(
            f"a {kind} with pixels of kind {image.mode!r} is not restored;"
            " convert it to 8 bits per channel, gray or RGB"
        )
    if _has_deep_samples(image):
        raise UnreadableImageError(
            f"a {kind} with 16 bits per channel is not restored, for that would cost it half of them;"
            " convert it to 8 bits per channel"
        )
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


def _has_deep_samples(image: Image.Image) -> bool:
    """Whether the decoder is about to cut 16-bit samples down to 8 without a word."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if any(isinstance(argument, str) and ";16" in argument for argument in arguments):
            return True
        if isinstance(image, PpmImageFile) and isinstance(arguments[-1], int) and arguments[-1] > 255:
            return True
    return False


def _working_mode(image: Image.Image) -> str:
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


def put_together(parts: PictureParts, pixels: Tensor, *, upright: bool = True) -> Image.Image:
    """The picture that pixels make, with its color profile and Exif.

    Args:
        parts: what belongs to them.
        pixels: uint8 (H, W, C): gray, RGB or inks, see [`as_pixels`].
        upright: apply the orientation that the Exif data state; otherwise pixels and tag stay as they were.

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
