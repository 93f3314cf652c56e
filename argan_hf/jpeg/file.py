"""What a JPEG file says about itself: its tables, its sampling, its planes as the decoder sees them.

The planes come straight from libjpeg in Y'CbCr. Going through RGB would clip them, and with it lose the coefficients
that the file really states.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from .tables import estimate_quality


class UnreadableImageError(ValueError):
    """A file that is no picture, is damaged, or holds what this package does not restore; the text says which."""


def open_image(source: str | Path | bytes) -> Image.Image:
    """Open a picture and decode nothing yet.

    Args:
        source: a path, or the bytes of a file.

    Raises:
        UnreadableImageError: if the file is missing, empty, no picture, or too large to be decoded safely.
    """
    name = "the picture" if isinstance(source, bytes) else Path(source).name
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{name} cannot be read: {error.strerror or error}") from error
    if not data:
        raise UnreadableImageError(f"{name} is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise UnreadableImageError(f"{name} claims to hold more than {limit} megapixels; make it smaller") from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"{name} is not a picture in a known format (JPEG, PNG, WebP, TIFF, …)") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise UnreadableImageError(f"{name} is damaged: {error}") from error
    image.filename = "" if isinstance(source, bytes) else str(source)
    return image


def load_pixels(image: Image.Image) -> None:
    """Decode an opened picture completely.

    Raises:
        UnreadableImageError: if its data end early or are damaged.
    """
    name = Path(getattr(image, "filename", "") or "the picture").name
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        reason = "it ends early" if "truncated" in str(error) else str(error) or type(error).__name__
        raise UnreadableImageError(f"{name} is damaged and cannot be decoded: {reason}") from error


def image_to_tensor(image: Image.Image) -> Tensor:
    """Samples of an 8-bit picture, uint8 (bands, H, W)."""
    bands = len(image.getbands())
    data = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return data.view(image.height, image.width, bands).permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class JpegHeader:
    """What the header of a JPEG file says, before anything is decoded.

    Attributes:
        width, height: in pixels, as stored (Exif orientation not applied).
        mode: "L", "RGB" (stored as Y'CbCr or RGB) or "CMYK", as Pillow names it.
        sampling: "4:2:0", "4:2:2", "4:4:4", "4:4:0", "4:1:1", "4:1:0", "gray", or the factors of every component
            ("2x2,1x1,1x1").
        tables: int32 (components, 8, 8), natural order: the table of each component.
        progressive: whether the file is progressive.
        quality: the nearest libjpeg quality, 1..100.
        standard: whether the tables are exactly libjpeg's at that quality.
    """

    width: int
    height: int
    mode: str
    sampling: str
    tables: Tensor
    progressive: bool
    quality: int
    standard: bool


@dataclass(frozen=True)
class JpegFile(JpegHeader):
    """A decoded JPEG file.

    Attributes:
        planes: uint8 (1, H, W) for gray files, else (3, H, W): Y, Cb, Cr at full size, chroma upsampled by libjpeg.
    """

    planes: Tensor


_SAMPLING_NAMES = {(2, 2): "4:2:0", (2, 1): "4:2:2", (1, 1): "4:4:4", (1, 2): "4:4:0", (4, 1): "4:1:1", (4, 2): "4:1:0"}


def _sampling(factors: list[tuple[int, int]]) -> str:
    if len(factors) == 1:
        return "gray"
    chroma_is_unit = all(factor == (1, 1) for factor in factors[1:])
    if chroma_is_unit and len(factors) == 3 and factors[0] in _SAMPLING_NAMES:
        return _SAMPLING_NAMES[factors[0]]
    return ",".join(f"{h}x{v}" for h, v in factors)


def read_header(image: JpegImageFile) -> JpegHeader:
    """Read what the header of an opened JPEG file says.

    Raises:
        UnreadableImageError: if the file lacks a quantization table that a component uses.
    """
    layers = image.layer
    name = Path(getattr(image, "filename", "") or "the picture").name
    try:
        tables = torch.tensor([image.quantization[layer[3]] for layer in layers], dtype=torch.int32)
    except KeyError as error:
        raise UnreadableImageError(f"{name} is damaged: quantization table {error} is missing") from error
    if tables.shape[0] == 0 or int(tables.min()) < 1:
        raise UnreadableImageError(f"{name} is damaged: its quantization tables are missing or hold zeros")
    tables = tables.view(-1, 8, 8)
    quality, standard = estimate_quality(tables[:2])
    return JpegHeader(
        width=image.width,
        height=image.height,
        mode=image.mode,
        sampling=_sampling([(layer[1], layer[2]) for layer in layers]),
        tables=tables,
        progressive=bool(image.info.get("progressive")),
        quality=quality,
        standard=standard,
    )


def read_jpeg(source: str | Path | bytes | JpegImageFile) -> JpegFile:
    """Decode a gray or Y'CbCr JPEG file to its planes.

    Args:
        source: a path, the bytes of a file, or a picture that Pillow opened and has not decoded yet.

    Raises:
        UnreadableImageError: if the file cannot be read, is no JPEG, is damaged, or is stored as CMYK.
    """
    image = source if isinstance(source, JpegImageFile) else open_image(source)
    name = Path(getattr(image, "filename", "") or "the picture").name
    if not isinstance(image, JpegImageFile):
        raise UnreadableImageError(f"{name} is a {image.format} file, expected JPEG")
    header = read_header(image)
    if header.mode not in ("L", "RGB"):
        raise UnreadableImageError(f"{name} is a JPEG in {header.mode}, expected gray or Y'CbCr")
    if header.mode == "RGB":
        image.draft("YCbCr", None)
    load_pixels(image)
    return JpegFile(**vars(header), planes=image_to_tensor(image))
