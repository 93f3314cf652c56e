"""What lies in a file besides the pixels: JPEG segments, PNG and WebP chunks, AVIF boxes, TIFF directories.

Pillow shows a part of it, and drops the rest without a word. Here it is found in the bytes, so that a restoration can
carry it over or name it.
"""

from .boxes import look_into_avif, look_into_others, look_into_webp
from .directories import look_into_tiff
from .extras import Contents, Extra, not_kept
from .of_jpeg import look_into_jpeg
from .of_png import look_into_png
from .png_chunks import SIGNATURE


def look_into(data: bytes) -> Contents:
    """Find what a file holds besides one picture.

    Args:
        data: the bytes of a file, damaged or not. Formats other than JPEG, PNG, WebP, AVIF and TIFF hold nothing that
            is looked for.

    Returns:
        What was found; nothing for damaged files.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return look_into_jpeg(data)
    if data.startswith(SIGNATURE):
        return look_into_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return look_into_webp(data)
    if data[4:8] == b"ftyp":
        return look_into_avif(data)
    if data[4:8] == b"jP  " or data[:2] == b"\x01\xda":
        return look_into_others(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return look_into_tiff(data)
    return Contents()


__all__ = ["Contents", "Extra", "look_into", "not_kept"]
