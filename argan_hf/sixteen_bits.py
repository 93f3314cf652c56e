"""Pictures of 16 bits per channel, read and written whole: Pillow clips them, or cuts them to 8 bits, without a word.

imagecodecs (libpng) and tifffile read and write the samples. What else a file holds is written by Pillow, as for all
other pictures.
"""

import io
import math
import struct
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from .containers.directories import describe_samples
from .containers.opening import UnreadableImageError, has_deep_samples
from .containers.png_chunks import chunks, with_chunks, with_readable_chunks
from .quiet import quiet

STEPS = 257
"""Steps of 16 bits in a step of 8 bits: 255 * 257 = 65535."""

_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N")
_PREMULTIPLIED, _ALPHA = 1, 2
_GDAL = (42112, 42113)
_IMAGE_WIDTH, _BITS_PER_SAMPLE = 0x0100, 0x0102
_SHORT = 3


def is_deep(image: Image.Image) -> bool:
    """Whether a picture, opened and not decoded yet, is to be read here: it has more than 8 bits per channel."""
    if image.mode in _DEEP_MODES:
        return True
    return isinstance(image, PngImageFile | PpmImageFile | TiffImageFile) and has_deep_samples(image)


def read_samples(image: Image.Image, data: bytes | None, name: str) -> np.ndarray:
    """The samples of a picture of 16 bits per channel.

    Args:
        image: as Pillow opened it; not decoded yet.
        data: the bytes of its file; `None` for a Pillow picture in memory.
        name: of the file, for messages.

    Returns:
        uint16 (H, W, 1, 2, 3 or 4), 0..65535: gray, gray and alpha, RGB, or RGB and alpha.

    Raises:
        UnreadableImageError: if the file is damaged, or stores its samples in a way that is not read.
    """
    if data is None and image.mode not in _DEEP_MODES:
        raise UnreadableImageError(
            f"{name} has 16 bits per channel, which Pillow cuts to 8 when it decodes a {image.format}; pass its path, "
            "or its bytes"
        )
    try:
        samples = _decode(image, data, name)
    except UnreadableImageError:
        raise
    except Exception as error:  # Decoders raise any kind of exception for malformed data.
        raise UnreadableImageError(f"{name} is damaged and cannot be decoded: its data make no sense") from error
    samples = np.ascontiguousarray(samples.reshape(*samples.shape[:2], -1))
    if samples.dtype != np.uint16 or sorted(samples.shape[:2]) != sorted(image.size) or samples.shape[2] > 4:
        raise UnreadableImageError(
            f"{name} is a {image.format} whose samples are {samples.dtype} {samples.shape}, expected 16 bits, gray or "
            "RGB; convert it first"
        )
    return samples


def to_eight_bits(samples: np.ndarray) -> np.ndarray:
    """The nearest samples of 8 bits, uint8, of samples of 16 bits, uint16 of any shape."""
    return ((samples.astype(np.uint32) + STEPS // 2) // STEPS).astype(np.uint8)


def encode_png(samples: np.ndarray, carrier: bytes) -> io.BytesIO:
    """A PNG file of 16 bits per channel, not compressed.

    Args:
        samples: uint16 (H, W, 1..4).
        carrier: the bytes of a small PNG file; its chunks that do not belong to its pixels are taken.
    """
    data = bytes(imagecodecs.png_encode(samples.squeeze(2) if samples.shape[2] == 1 else samples, level=0))
    others = [chunk for chunk in chunks(carrier) if chunk.kind not in (b"IHDR", b"IDAT", b"IEND")]
    return io.BytesIO(with_chunks(data, [(chunk.kind, carrier[chunk.start : chunk.end]) for chunk in others]))


def encode_tiff(samples: np.ndarray, options: dict[str, Any]) -> bytes:
    """An uncompressed TIFF file of 16 bits per channel.

    Pillow writes no RGB of 16 bits. Uncompressed, a row of it has the bytes of a row of 8 bits that is twice as wide.
    So such a file is written, with all tags, and then its width and bits are corrected.

    Args:
        samples: uint16 (H, W, 1..4); gray with alpha is written as RGB with alpha.
        options: for Pillow's encoder.
    """
    if samples.shape[2] == 2:
        # Pillow opens no gray with alpha of 16 bits.
        samples = samples[:, :, [0, 0, 0, 1]]
    height, width, channels = samples.shape
    stored = samples.astype("<u2").tobytes()
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    buffer = io.BytesIO()
    Image.frombytes(mode, (2 * width, height), stored).save(buffer, "TIFF", **options)
    data = bytearray(buffer.getvalue())
    (directory,) = struct.unpack_from("<L", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from("<HHL", data, entry)
        if tag == _IMAGE_WIDTH:
            struct.pack_into("<H" if kind == _SHORT else "<L", data, entry + 8, width)
        elif tag == _BITS_PER_SAMPLE:
            place = entry + 8 if values <= 2 else struct.unpack_from("<L", data, entry + 8)[0]
            struct.pack_into(f"<{values}H", data, place, *[16] * values)
    return bytes(data)


def _decode(image: Image.Image, data: bytes | None, name: str) -> np.ndarray:
    if data is not None and isinstance(image, PngImageFile):
        return np.asarray(imagecodecs.png_decode(with_readable_chunks(data)))
    if data is not None and isinstance(image, TiffImageFile):
        return _read_tiff(data, name)
    if data is not None and isinstance(image, PpmImageFile):
        return _read_ppm(image, data)
    # numpy sees the byte order of the mode.
    return np.array(image).astype(np.uint16)


def _read_tiff(data: bytes, name: str) -> np.ndarray:
    with quiet("tifffile"), TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        if not isinstance(page, TiffPage) or page.photometric not in (
            PHOTOMETRIC.MINISBLACK,
            PHOTOMETRIC.MINISWHITE,
            PHOTOMETRIC.RGB,
        ):
            raise UnreadableImageError(f"{name} is a TIFF of 16 bits that is neither gray nor RGB; convert it first")
        if _PREMULTIPLIED in page.extrasamples:
            raise UnreadableImageError(
                f"{name} is a TIFF of 16 bits whose colors are multiplied by its alpha; save it with plain alpha first"
            )
        # Maps leave out tiles without data, and say who wrote them.
        is_sparse = page.is_tiled and any(tag in page.tags for tag in _GDAL)
        if len(page.dataoffsets) != math.prod(page.chunked) or not (is_sparse or all(page.databytecounts)):
            raise UnreadableImageError(f"{name} is damaged and cannot be decoded: a part of its pixels is missing")
        samples: np.ndarray = page.asarray()
        if samples.dtype != np.uint16:
            raise UnreadableImageError(
                f"{name} is a TIFF with {describe_samples(data)}, which is not read; save it as gray or RGB of "
                "8 or 16 bits first"
            )
        samples = _scaled(samples, (1 << page.bitspersample) - 1)
        if samples.ndim == 3 and page.axes.startswith("S"):
            samples = np.moveaxis(samples, 0, 2)
        # Other channels, such as a saved selection, are no alpha.
        colors = 3 if page.photometric == PHOTOMETRIC.RGB else 1
        if samples.ndim == 3 and _ALPHA not in page.extrasamples[:1]:
            samples = samples[:, :, :colors]
        return 65535 - samples if page.photometric == PHOTOMETRIC.MINISWHITE else samples


def _read_ppm(image: PpmImageFile, data: bytes) -> np.ndarray:
    """Samples of a PGM or PPM file of two bytes each, scaled to 0..65535."""
    tile = image.tile[0]
    arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
    channels = 3 if image.mode == "RGB" else 1
    if tile[0] == "raw":  # a highest value of 65535
        highest = 65535
    elif tile[0] == "ppm":
        highest = int(arguments[-1])
    elif image.mode == "I":  # gray in digits, which Pillow scales
        return np.array(image).clip(0, 65535).astype(np.uint16)
    else:
        raise UnreadableImageError("a PPM file of more than 8 bits in digits is not read; convert it to PNG first")
    count = image.width * image.height * channels
    samples = np.frombuffer(data, ">u2", count, tile[2]).reshape(image.height, image.width, channels)
    return _scaled(samples, highest)


def _scaled(samples: np.ndarray, highest: int) -> np.ndarray:
    """uint16 samples 0..`highest` as 0..65535."""
    if highest == 65535:
        return samples.astype(np.uint16)
    scaled: np.ndarray = (np.minimum(samples, highest).astype(np.uint32) * 65535 + highest // 2) // highest
    return scaled.astype(np.uint16)
