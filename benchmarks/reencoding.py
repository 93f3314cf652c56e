"""Encodes a picture again as a JPEG file was, and counts what is equal, for `benchmarks/consistency.py`.

Where Pillow can write the sampling of the file, Pillow encodes. Elsewhere the integer arithmetic of this package does,
which gives the same coefficients as libjpeg.
"""

import io

import numpy as np
import torch
from PIL import Image

from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.color import rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import Consistency
from argan_hf.jpeg.header import JpegHeader
from argan_hf.jpeg.resampling import FACTORS, downsample

_PILLOW_WRITES = ("gray", "4:4:4", "4:2:2", "4:2:0")


def encode_again(picture: Image.Image, header: JpegHeader) -> tuple[np.ndarray, ...]:
    """Quantized coefficients of a picture, encoded with the tables and the sampling of a file.

    Args:
        picture: of mode "L" or "RGB".
        header: of the file.

    Returns:
        int16 (rows, columns, 8, 8) for each component, as [`read_coefficients`] gives them.

    Raises:
        ValueError: if the file has a sampling that neither way can encode.
    """
    picture = picture.convert("L" if header.sampling == "gray" else "RGB")
    if header.sampling in _PILLOW_WRITES:
        return _encode_by_pillow(picture, header)
    if header.sampling not in FACTORS:
        raise ValueError(f"pictures cannot be encoded with the sampling {header.sampling}")
    return _encode_here(picture, header)


def _encode_by_pillow(picture: Image.Image, header: JpegHeader) -> tuple[np.ndarray, ...]:
    buffer = io.BytesIO()
    tables = [table.flatten().tolist() for table in header.tables]
    subsampling = {} if header.sampling == "gray" else {"subsampling": header.sampling}
    picture.save(buffer, "JPEG", qtables=tables, **subsampling)
    coefficients = read_coefficients(buffer.getvalue())
    if coefficients is None:
        raise ValueError("the coefficients of a file that Pillow wrote cannot be read")
    return coefficients


def _encode_here(picture: Image.Image, header: JpegHeader) -> tuple[np.ndarray, ...]:
    luma, *chroma = rgb_to_ycbcr(image_to_tensor(picture))
    planes = (luma, *(downsample(plane, header.sampling) for plane in chroma))
    coefficients = []
    for plane, table in zip(planes, header.tables, strict=True):
        quantized = encode_planes(plane[None], torch.from_numpy(table))[:, :, 0]  # (8, 8, rows, columns)
        coefficients.append(quantized.permute(2, 3, 0, 1).to(torch.int16).numpy())
    return tuple(coefficients)


def count_equal(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> np.ndarray:
    """How many coefficients and blocks two files have in common.

    Args:
        found, expected: as [`read_coefficients`] gives them.

    Returns:
        int64 (2, 2, 2): luma, chroma; coefficients, blocks; how many are equal, how many there are.

    Raises:
        ValueError: if the files have other components or sizes.
    """
    if [component.shape for component in found] != [component.shape for component in expected]:
        raise ValueError("the two files have other components or sizes")
    counts = np.zeros((2, 2, 2), dtype=np.int64)
    for component, (one, other) in enumerate(zip(found, expected, strict=True)):
        equal = one == other  # (rows, columns, 8, 8)
        blocks = equal.all(axis=(2, 3))
        counts[min(component, 1)] += ((equal.sum(), equal.size), (blocks.sum(), blocks.size))
    return counts


def shares(counts: np.ndarray) -> Consistency:
    """The counts of [`count_equal`] as a report states them."""
    luma, chroma = ([int(equal) / int(of) if of else None for equal, of in plane] for plane in counts)
    return Consistency(*luma, *chroma)
