"""Pictures taken apart into planes, put together again, and written whole or not at all.

The only room that knows about alpha, color profiles and Exif.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from .jpeg.color import rgb_to_ycbcr_unrounded, to_uint8, ycbcr_to_rgb
from .jpeg.file import UnreadableImageError, image_to_tensor, load_pixels, open_image, read_header, read_jpeg

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_KEPT_INFO = ("icc_profile", "exif", "dpi", "xmp", "comment")


@dataclass(frozen=True)
class PictureParts:
    """A picture taken apart: its planes, what the file says of them, and what is put back afterwards.

    Attributes:
        planes: float32 (1 or 3, H, W), 0..255: Y, or Y, Cb, Cr; straight from the decoder for JPEG files.
        alpha: what is opaque, mode "L".
        info: color profile, Exif and the like, as Pillow keeps them.
        format: of the file, `None` for a picture that came without one.
        tables: int32 (planes, 8, 8), the quantization tables of the planes, where they are known.
        quality, sampling: of a JPEG file.
        grid_table: the luma table of a file whose grid starts at the corner of the planes.
        notes: sentences on anything that a user would not expect.
    """

    planes: Tensor
    alpha: Image.Image | None
    info: dict[str, Any]
    format: str | None
    tables: Tensor | None = None
    quality: int | None = None
    sampling: str | None = None
    grid_table: Tensor | None = None
    notes: tuple[str, ...] = ()


def take_apart(source: str | Path | bytes | Image.Image) -> PictureParts:
    """Take a picture apart.

    Raises:
        UnreadableImageError: if the file is no picture, is damaged, or is of a kind that is not restored.
    """
    image = source if isinstance(source, Image.Image) else open_image(source)
    if isinstance(image, JpegImageFile) and image is not source and image.mode in ("L", "RGB"):
        info = _kept_info(image)
        if not _stores_rgb(image):
            file = read_jpeg(image)
            planes = file.planes.float()
            # Luma coarser than chroma was enlarged by the decoder: its blocks are no longer those of the file.
            grid_table = None if "," in file.sampling else file.tables[0]
            return PictureParts(planes, None, info, "JPEG", file.tables, file.quality, file.sampling, grid_table)
    return _take_pixels_apart(image)


def _stores_rgb(image: JpegImageFile) -> bool:
    identifiers = bytes(layer[0] for layer in image.layer)
    return identifiers == b"RGB" or (image.info.get("adobe_transform") == 0 and len(identifiers) == 3)


def _take_pixels_apart(image: Image.Image) -> PictureParts:
    if image.mode not in _MODES:
        kind = f"{image.format or 'picture'} with pixels of kind {image.mode!r}"
        raise UnreadableImageError(f"a {kind} is not restored; convert it to 8 bits per channel, gray or RGB")
    load_pixels(image)
    info = _kept_info(image)
    notes: tuple[str, ...] = ()
    if image.mode == "CMYK":
        # A profile of inks says nothing about RGB.
        info.pop("icc_profile", None)
        notes = ("The picture was converted from CMYK to RGB.",)
    quality = sampling = None
    if isinstance(image, JpegImageFile) and image.quantization:
        header = read_header(image)
        quality, sampling = header.quality, header.sampling
    pixels = image.convert(_working_mode(image))
    alpha = pixels.getchannel("A") if pixels.mode in ("LA", "RGBA") else None
    samples = image_to_tensor(pixels.convert("L" if pixels.mode in ("L", "LA") else "RGB"))
    planes = samples.float() if samples.shape[0] == 1 else rgb_to_ycbcr_unrounded(samples)
    return PictureParts(planes, alpha, info, image.format, quality=quality, sampling=sampling, notes=notes)


def _working_mode(image: Image.Image) -> str:
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


def _kept_info(image: Image.Image) -> dict[str, Any]:
    return {key: image.info[key] for key in _KEPT_INFO if key in image.info}


def put_together(parts: PictureParts) -> Image.Image:
    """The picture that planes make: mode "L", "LA", "RGB" or "RGBA", upright, with its color profile and Exif."""
    samples = to_uint8(parts.planes) if parts.planes.shape[0] == 1 else ycbcr_to_rgb(parts.planes)
    interleaved = samples.permute(1, 2, 0).squeeze(2).contiguous().numpy()
    image = Image.fromarray(interleaved)
    if parts.alpha is not None:
        image.putalpha(parts.alpha)
    image.info.update(parts.info)
    return ImageOps.exif_transpose(image)


def save_picture(image: Image.Image, path: Path) -> None:
    """Write a picture whole or not at all, in the format of the suffix.

    Raises:
        ValueError: if the suffix names no format that can be written.
        OSError: if the file cannot be written.
    """
    extension = path.suffix.lower()
    image_format = Image.registered_extensions().get(extension)
    if image_format not in Image.SAVE:
        raise ValueError(f"{path.name}: {extension or 'no suffix'} is no picture format; use .png, .webp or .tiff")
    info = {key: image.info[key] for key in _KEPT_INFO if key in image.info and key != "comment"}
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=extension)
    os.close(handle)
    try:
        image.save(partial, format=image_format, **info)
        umask = os.umask(0)
        os.umask(umask)
        Path(partial).chmod(0o666 & ~umask)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
