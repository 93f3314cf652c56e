"""Reads JPEG files: what the header states, and the decoded planes.

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
from .header import JpegProperties, read_header


def image_to_tensor(image: Image.Image) -> Tensor:
    """Samples of an 8-bit picture, uint8 (channels, H, W)."""
    samples = torch.from_numpy(np.array(image)).view(image.height, image.width, -1)
    return samples.permute(2, 0, 1).contiguous()


@dataclass(frozen=True)
class JpegFile(JpegProperties):
    """A decoded JPEG file.

    Attributes:
        tables: int32 (components, 8, 8), natural order: the table of each component.
        planes: uint8 (1, H, W) for gray files, else (3, H, W): Y, Cb, Cr at full size, chroma upsampled by libjpeg.
    """

    tables: Tensor
    planes: Tensor


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
    stated = vars(header) | {"tables": torch.from_numpy(header.tables)}
    return JpegFile(**stated, planes=image_to_tensor(image))
