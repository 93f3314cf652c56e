"""What the header of a JPEG file states: size, quantization tables, chroma subsampling, estimated quality.

It is read without torch, which takes longer to import than thousands of headers to read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from ..containers.opening import UnreadableImageError
from .quality import nearest_quality


@dataclass(frozen=True)
class JpegProperties:
    """What a JPEG file states besides its tables.

    Attributes:
        width, height: in pixels, as stored (Exif orientation not applied).
        mode: "L", "RGB" (stored as Y'CbCr or RGB) or "CMYK", as Pillow names it.
        sampling: "4:2:0", "4:2:2", "4:4:4", "4:4:0", "4:1:1", "4:1:0", "gray", or the factors of every component
            ("2x2,1x1,1x1").
        progressive: whether the file is progressive.
        quality: the nearest libjpeg quality, 1..100.
        standard: whether the tables are exactly libjpeg's at that quality.
    """

    width: int
    height: int
    mode: str
    sampling: str
    progressive: bool
    quality: int
    standard: bool


@dataclass(frozen=True)
class JpegHeader(JpegProperties):
    """What the header of a JPEG file states; read without decoding pixels.

    Attributes:
        tables: int32 (components, 8, 8), natural order: the table of each component.
    """

    tables: np.ndarray


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
        tables = np.array([image.quantization[layer[3]] for layer in layers], dtype=np.int32)
    except KeyError as error:
        raise UnreadableImageError(f"{name} is damaged: quantization table {error} is missing") from error
    if len(tables) == 0 or tables.min() < 1:
        raise UnreadableImageError(f"{name} is damaged or a lossless JPEG: it has no tables, or they hold zeros")
    tables = tables.reshape(-1, 8, 8)
    quality, standard = nearest_quality(tables)
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
