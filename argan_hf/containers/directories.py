"""The directories of TIFF files: camera raw files are told by them, and what else a file holds."""

import io
from collections.abc import Iterator
from typing import Literal

import numpy as np
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile, TiffPage

from ..quiet import quiet
from .extras import CHANNELS, LAYERS, PLACE, PROVENANCE, Contents, Extra
from .photoshop import IPTC, Resource, extras_of, kept_info, read_resources

_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _DNG_VERSION = 0x00FE, 0x0103, 0x0106, 0xC612
_IPTC_TAG, _PHOTOSHOP_TAG, _LAYERS_TAG, _C2PA_TAG = 0x83BB, 0x8649, 0x935C, 0xCD41
_GEOGRAPHIC = (0x830E, 0x8482, 0x85D8, 0x87AF, 0x87B0, 0x87B1)
# Samples of a color filter array, and linear ones of a sensor.
_OF_A_SENSOR = (32803, 34892)
# The compressions of Nikon, Sony, Pentax, Canon (CR2 has a tag for its slices), Samsung and Kodak.
_RAW_COMPRESSIONS = (32767, 32769, 32770, 34713, 65000, 65535)
_CR2_SLICES = 0xC640
_OTHER_SPACES = (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB, PHOTOMETRIC.ITULAB)
_PREMULTIPLIED, _ALPHA = 1, 2
_MAX_DIRECTORIES = 32


def is_camera_raw(data: bytes) -> bool:
    """Whether a TIFF file holds what a sensor saw; Pillow would open its thumbnail.

    Args:
        data: the bytes of the file.
    """
    if data[8:10] == b"CR":  # CR2
        return True
    try:
        with quiet("tifffile"), TiffFile(io.BytesIO(data)) as file:
            first = file.pages.first
            is_thumbnail = _value(first, _SUBFILE) == 1 and bool(first.subifds)
            return _DNG_VERSION in first.tags or is_thumbnail or any(_is_of_a_sensor(page) for page in _pages(file))
    except Exception:  # The parser raises any kind of exception for malformed data.
        return False


def look_into_tiff(data: bytes) -> Contents:
    """Find what a TIFF file holds besides its picture.

    Args:
        data: the bytes of the file, damaged or not.
    """
    try:
        with quiet("tifffile"), TiffFile(io.BytesIO(data)) as file:
            order: Literal["big", "little"] = "big" if file.byteorder == ">" else "little"
            further = _further_channels(file.pages.first)
            tags = {tag.code: (tag.value, int(tag.valuebytecount)) for tag in file.pages.first.tags}
    except Exception:  # The parser raises any kind of exception for malformed data.
        return Contents()
    resources = read_resources(_bytes(tags.get(_PHOTOSHOP_TAG), order))
    if iptc := _bytes(tags.get(_IPTC_TAG), order):
        resources[IPTC] = Resource(b"", iptc)
    info = kept_info(resources)
    extras = extras_of(info)
    for code, kind in ((_LAYERS_TAG, LAYERS), (_C2PA_TAG, PROVENANCE)):
        if code in tags:
            extras.append(Extra(kind, tags[code][1]))
    if places := [tags[code][1] for code in _GEOGRAPHIC if code in tags]:
        extras.append(Extra(PLACE, sum(places)))
    if further:
        extras.append(Extra(CHANNELS, further))
    return Contents(tuple(extras), info)


def describe_samples(data: bytes) -> str | None:
    """The samples of a TIFF file in words, "32-bit floating-point samples"; `None` if it cannot be told."""
    try:
        with quiet("tifffile"), TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            kind = {"f": "floating-point ", "i": "signed ", "c": "complex "}.get(np.dtype(page.dtype).kind, "")
            lab = " in Lab" if page.photometric in _OTHER_SPACES else ""
            channels = f", {page.samplesperpixel} channels" if page.samplesperpixel > 1 else ""
            compression = f", compression {getattr(page.compression, 'name', page.compression)}"
            packed = compression if page.compression != COMPRESSION.NONE else ""
            return f"{page.bitspersample}-bit {kind}samples{lab}{channels}{packed}"
    except Exception:  # As above.
        return None


def _further_channels(page: object) -> int:
    """Bytes, uncompressed, of the channels that are neither colors nor opacity; Pillow and we leave them unread."""
    if not isinstance(page, TiffPage) or page.photometric in _OTHER_SPACES:
        return 0
    if page.photometric == PHOTOMETRIC.SEPARATED:
        colors = 4
    else:
        colors = 3 if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) else 1
    kinds = page.extrasamples
    if not kinds and (colors, page.samplesperpixel, page.bitspersample) == (3, 4, 8):
        kinds = (_ALPHA,)  # Old programs do not name it, and Pillow reads it.
    has_alpha = colors != 4 and kinds[:1] in ((_PREMULTIPLIED,), (_ALPHA,))
    count = max(0, page.samplesperpixel - colors - has_alpha)
    return int(count * page.imagewidth * page.imagelength * page.bitspersample // 8)


def _pages(file: TiffFile) -> Iterator[TiffPage]:
    """Directories and those below them, a few at most: hostile files can have any number."""
    for index, page in enumerate(file.pages):
        if index == _MAX_DIRECTORIES:
            return
        if isinstance(page, TiffPage):
            yield page
            below = list(page.pages or ())[:_MAX_DIRECTORIES] if page.subifds else []
            yield from (other for other in below if isinstance(other, TiffPage))


def _is_of_a_sensor(page: TiffPage) -> bool:
    is_stored_raw = _value(page, _COMPRESSION) in _RAW_COMPRESSIONS
    return is_stored_raw or _value(page, _PHOTOMETRIC) in _OF_A_SENSOR or _CR2_SLICES in page.tags


def _value(page: TiffPage, code: int) -> object:
    tag = page.tags.get(code)
    return None if tag is None else getattr(tag.value, "value", tag.value)


def _bytes(tag: tuple[object, int] | None, order: Literal["big", "little"]) -> bytes:
    value = None if tag is None else tag[0]
    if isinstance(value, bytes):
        return value
    # Some programs store bytes as numbers of 32 bits, in the byte order of the file.
    if isinstance(value, tuple) and all(isinstance(item, int) and 0 <= item < 1 << 32 for item in value):
        return b"".join(item.to_bytes(4, order) for item in value)
    return b""
