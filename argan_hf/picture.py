"""Splits a picture into planes, and assembles a picture from restored planes.

Alpha and CMYK channels are separated and put back here. `metadata.py` handles Exif and the like, `encoding.py` the
formats of results.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from .containers import Contents, look_into
from .containers.exif import ORIENTATION
from .containers.opening import (
    MAX_MEGAPIXELS,
    MENDED,
    FileSource,
    UnreadableImageError,
    check_depth,
    load_pixels,
    name_of,
    open_bytes,
    read_bytes,
)
from .containers.xmp import orientation_of
from .jpeg.color import as_pixels, is_neutral, rgb_to_ycbcr, rgb_to_ycbcr_unrounded, ycbcr_to_deep_rgb
from .jpeg.file import image_to_tensor, read_jpeg
from .jpeg.header import read_header
from .metadata import info_made_upright, kept_info, make_upright, turned
from .sixteen_bits import STEPS, is_deep, read_samples, to_eight_bits

ImageSource = FileSource | Image.Image | np.ndarray
"""What a picture can be given as: a file (path, bytes, file object), a Pillow picture, or an array."""

_END = b"\xff\xd9"  # the last marker of a JPEG file
_NO_END = "The file lacks its end marker. Its data reach to the last block of the picture."


@dataclass(frozen=True)
class PictureParts:
    """A picture split into its parts: planes, what the file states about them, alpha, and metadata.

    Attributes:
        samples: uint8 (1, 3 or 4, H, W): gray; Y, Cb, Cr straight from the decoder for JPEG files; RGB for others; or
            the inverted CMYK channels, in which 255 is no ink.
        rgb: whether the samples are RGB.
        alpha: the opacity, mode "L"; `None` if the picture has none.
        deep_samples: int32 (1 or 3, H, W), 0..65535, the samples of a picture of 16 bits per channel, gray or RGB;
            `samples` are the nearest ones of 8 bits. `None` for other pictures.
        deep_alpha: uint16 (H, W), 0..65535, its opacity; `None` if it has none.
        info: color profile, Exif and the like, under Pillow's names.
        format: of the file ("JPEG", …), `None` for a Pillow picture that does not come from a file.
        tables: int32 (planes, 8, 8), the quantization tables of the planes, `None` if they are unknown.
        quality, sampling: of a JPEG file; `None` for other pictures.
        grid_table: int32 (8, 8), the luma table of a JPEG file whose block grid starts at the corner of the planes, so
            that the result can be held to the file; `None` for other pictures.
        file: the bytes of a JPEG file, from which its coefficients can be read; `None` for other pictures.
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
    file: bytes | None = None
    notes: tuple[str, ...] = ()
    deep_samples: Tensor | None = None
    deep_alpha: np.ndarray | None = None

    @cached_property
    def is_neutral(self) -> bool:
        """Whether a picture of three planes holds no color."""
        samples = self.samples if self.deep_samples is None else self.deep_samples
        if samples.shape[0] != 3:
            return False
        return bool((samples[1:] == samples[0]).all()) if self.rgb else is_neutral(samples)

    def planes_at(self, rows: slice, columns: slice) -> Tensor:
        """Planes of a part of the picture, float32 (C, h, w), 0..255: Y; Y, Cb, Cr; or inverted CMYK channels."""
        if self.deep_samples is not None:
            samples = self.deep_samples[:, rows, columns].float() / STEPS
        else:
            samples = self.samples[:, rows, columns]
        planes = rgb_to_ycbcr_unrounded(samples) if self.rgb else samples.float()
        if self.rgb and self.is_neutral:
            planes[1:] = 128.0  # Rounding errors are steps of 16 bits.
        return planes

    def pixels_of(self, planes: Tensor) -> Tensor:
        """What is written for planes (C, h, w), 0..255: uint8 (C, h, w), or int32 0..65535 for 16 bits per channel."""
        if self.deep_samples is None:
            return as_pixels(planes)
        samples = ycbcr_to_deep_rgb(planes) if planes.shape[0] == 3 else planes
        return (samples * STEPS + 0.5).floor_().clamp_(0, 65535).to(torch.int32)

    def integers_at(self, rows: slice, columns: slice) -> Tensor:
        """The same planes as an encoder rounds them, uint8 (C, h, w): those that an earlier decoder gave, nearly."""
        samples = self.samples[:, rows, columns]
        return rgb_to_ycbcr(samples) if self.rgb else samples


def take_apart(source: ImageSource, max_megapixels: float = MAX_MEGAPIXELS, name: str | None = None) -> PictureParts:
    """Split a picture into planes, alpha and metadata.

    Args:
        source: a path, the bytes of a file, a file object that is open for reading bytes, a Pillow picture, or an array
            (H, W) or (H, W, 1..4), uint8 or uint16: gray, gray and alpha, RGB, RGB and alpha.
        max_megapixels: limit on the size of a file, in millions of pixels.
        name: of the file, for messages; default: that of the path.

    Raises:
        UnreadableImageError: if the file is no picture, is damaged, too large, or of a kind that is not restored.
        ValueError: if the array has another shape or dtype.
    """
    if isinstance(source, np.ndarray):
        return _take_array(source)
    if isinstance(source, Image.Image):
        image, data, contents, name = source, None, Contents(), "the picture"
        _check_size(image.size)
    else:
        data = read_bytes(source)
        contents, name = look_into(data), name or name_of(source)
        image = open_bytes(data, name, max_megapixels)
    # Other pictures in a JPEG file are named with what else it holds.
    notes = () if isinstance(image, JpegImageFile) and data is not None else _frame_notes(image)
    if MENDED in image.info:
        notes += (_NO_END,)
    is_plain = image.mode in ("L", "RGB")
    if data is not None and is_plain and isinstance(image, JpegImageFile) and not _stores_rgb(image):
        return _take_jpeg(image, data + _END if MENDED in image.info else data, contents, notes)
    # Pillow makes the pixels of TIFF files upright when it decodes them, by their tag, or else by their XMP.
    orientation = _orientation_of_tiff(image) if isinstance(image, TiffImageFile) else None
    if is_deep(image):
        samples = read_samples(image, data, name)
        if isinstance(image, PngImageFile):
            load_pixels(image)  # Texts and Exif data can follow the pixels.
        elif data is not None:
            samples = turned(samples, orientation)
        info, more = kept_info(image, contents)
        parts = _take_samples(samples, image.format, info, notes + more)
    else:
        parts = _take_pixels_apart(image, contents, notes)
    if orientation is not None:
        height, width = parts.samples.shape[1:]
        info, more = info_made_upright(parts.info, orientation, (width, height))
        parts = replace(parts, info=info, notes=parts.notes + more)
    return parts


def _orientation_of_tiff(image: TiffImageFile) -> int | None:
    """How the pixels of a TIFF file are stored, 1..8; `None` if it does not say."""
    stated: int | None = image.tag_v2.get(ORIENTATION)
    return stated if stated is not None else orientation_of(image.info.get("xmp", b""))


def _take_jpeg(image: JpegImageFile, data: bytes, contents: Contents, notes: tuple[str, ...]) -> PictureParts:
    file = read_jpeg(image)
    info, more = kept_info(image, contents)
    notes += more
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
        file=data,
        notes=notes,
    )


def _take_array(array: np.ndarray) -> PictureParts:
    array = np.asarray(array)  # of a class of its own, such as a matrix
    shape = array.shape
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= shape[2] <= 4):
        raise ValueError(f"the array has shape {shape}, expected (H, W) or (H, W, channels) with 1 to 4 channels")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"the array has dtype {array.dtype}, expected uint8 (0..255) or uint16 (0..65535); scale and convert it"
        )
    _check_size((shape[1], shape[0]))
    samples = np.ascontiguousarray(array.reshape(shape[0], shape[1], -1))
    if array.dtype == np.uint16:
        return _take_samples(samples, None, {}, ())
    return _take_pixels_apart(Image.fromarray(samples.squeeze(2) if samples.shape[2] == 1 else samples), Contents(), ())


def _check_size(size: tuple[int, int]) -> None:
    if 0 in size:
        raise UnreadableImageError(f"the picture has no pixels: it is {size[0]}x{size[1]}")


def _take_samples(samples: np.ndarray, kind: str | None, info: dict[str, Any], notes: tuple[str, ...]) -> PictureParts:
    """Parts of a picture of 16 bits per channel, uint16 (H, W, 1..4)."""
    channels = samples.shape[2]
    alpha = samples[:, :, -1] if channels in (2, 4) else None
    colors = torch.from_numpy(samples[:, :, : 3 if channels > 2 else 1].astype(np.int32)).permute(2, 0, 1).contiguous()
    return PictureParts(
        torch.from_numpy(to_eight_bits(colors.numpy())),
        None if alpha is None else Image.fromarray(to_eight_bits(alpha)),
        info,
        kind,
        rgb=channels > 2,
        deep_samples=colors,
        deep_alpha=alpha,
        notes=notes,
    )


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    try:
        several = bool(getattr(image, "is_animated", False))
    except Exception:  # A damaged second frame can raise any kind of exception; only the first one is used.
        several = True
    return ("The file holds several pictures; only one of them was restored.",) if several else ()


def _stores_rgb(image: JpegImageFile) -> bool:
    identifiers = bytes(layer[0] for layer in image.layer)
    return identifiers == b"RGB" or (image.info.get("adobe_transform") == 0 and len(identifiers) == 3)


def _take_pixels_apart(image: Image.Image, contents: Contents, notes: tuple[str, ...]) -> PictureParts:
    check_depth(image)
    load_pixels(image)
    info, more = kept_info(image, contents)
    notes += more
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
        notes=notes,
    )


def _working_mode(image: Image.Image) -> str:
    """Mode "L", "LA", "RGB" or "RGBA" that loses nothing of an 8-bit picture."""
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


@dataclass(frozen=True)
class Assembled:
    """A picture put together.

    Attributes:
        image: mode "L", "LA", "RGB", "RGBA" or "CMYK", with its metadata in `info`.
        samples: uint16 (H, W, 1..4), 0..65535, of a picture of 16 bits per channel, which `image` shows with 8; `None`
            for other pictures.
        notes: sentences on what was left out.
    """

    image: Image.Image
    samples: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def put_together(parts: PictureParts, pixels: Tensor, *, upright: bool = True) -> Assembled:
    """Assemble a picture from restored pixels, with its alpha, color profile and Exif.

    Args:
        parts: alpha and metadata of the picture.
        pixels: (H, W, C), what [`PictureParts.pixels_of`] gives, channels last: gray, RGB or inverted CMYK channels.
        upright: whether to apply the Exif orientation; otherwise pixels and tag stay as stored.
    """
    deep = None
    if parts.deep_samples is not None:
        deep = pixels.numpy().astype(np.uint16)
        pixels = torch.from_numpy(to_eight_bits(deep))
        if parts.deep_alpha is not None:
            deep = np.dstack((deep, parts.deep_alpha))
    if pixels.shape[2] == 4:
        image = Image.merge("CMYK", [Image.fromarray(255 - band.numpy()) for band in pixels.unbind(2)])
    else:
        image = Image.fromarray(pixels.squeeze(2).numpy())
    if parts.alpha is not None:
        image.putalpha(parts.alpha)
    image.info.update(parts.info)
    notes: tuple[str, ...] = ()
    if upright:
        image, deep, notes = make_upright(image, deep)
    return Assembled(image, deep, notes)
