"""Reads of JPEG files the quantization tables, the chroma subsampling and the decoded planes.

The planes are read from libjpeg as Y'CbCr. A conversion to RGB would clip samples, and the coefficients of the file
could no longer be recovered from them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from ..containers.opening import FileSource, UnreadableImageError, load_pixels, open_image
from .tables import estimate_quality


def image_to_tensor(image: Image.Image) -> Tensor:
    """Samples of an 8-bit picture, uint8 (channels, H, W)."""
    samples = torch.from_numpy(np.array(image)).view(image.height, image.width, -1)
    return samples.permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class JpegHeader:
    """What the header of a JPEG file states; read without decoding pixels.

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
    """Read the header of an opened JPEG file.

    Raises:
        UnreadableImageError: if the file lacks a quantization table that a component uses, or a table holds zeros.
    """
    layers = image.layer
    name = Path(getattr(image, "filename", "") or "the picture").name
    try:
        tables = torch.tensor([image.quantization[layer[3]] for layer in layers], dtype=torch.int32)
    except KeyError as error:
        raise UnreadableImageError(f"{name} is damaged: quantization table {error} is missing") from error
    if tables.shape[0] == 0 or int(tables.min()) < 1:
        raise UnreadableImageError(f"{name} is damaged or a lossless JPEG: it has no tables, or they hold zeros")
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


def read_jpeg(source: FileSource | JpegImageFile) -> JpegFile:
    """Decode a gray or Y'CbCr JPEG file to its planes.

    Args:
        source: a file as for [`open_image`], or a picture that Pillow opened and has not decoded yet.

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
