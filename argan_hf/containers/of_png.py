"""What a PNG file holds besides its picture: chunks that Pillow does not list, and what follows its end."""

from typing import Any

from .behind import look_behind
from .exif import thumbnail_size
from .extras import EXIF_THUMBNAIL, PROVENANCE, UNKNOWN, Contents, Extra
from .photoshop import extras_of, kept_info, read_text
from .png_chunks import MAX_TEXT, chunks, large_profile, unpacked_text, unreadable_chunks

# Chunks of the standard and its extensions; those of Pillow's `info`, of storage, and of animations.
_KNOWN = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"tEXt", b"zTXt"),
    *(b"iTXt", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"tIME", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"oFFs", b"iDOT"),
}
_IPTC_TEXTS = (b"Raw profile type iptc\0", b"Raw profile type 8bim\0")
_COLORS = {
    b"cICP": ("cicp", 4, "color description (cICP)"),
    b"mDCV": ("mdcv", 24, "data on the display for which it was made (mDCV)"),
    b"cLLI": ("clli", 8, "data on its light levels (cLLI)"),
}


def look_into_png(data: bytes) -> Contents:
    """Find what a PNG file holds besides its picture.

    Args:
        data: the bytes of the file, damaged or not.
    """
    extras: list[Extra] = []
    unknown, end = 0, len(data)
    info: dict[str, Any] = {}
    for chunk in chunks(data):
        payload = data[chunk.start : chunk.end]
        if chunk.kind in _COLORS:
            key, size, kind = _COLORS[chunk.kind]
            if len(payload) == size:
                info[key] = payload
                extras.append(Extra(kind, size, key))
        elif chunk.kind == b"eXIf" and (size := thumbnail_size(payload)):
            extras.append(Extra(EXIF_THUMBNAIL, size, "exif"))
        elif chunk.kind in (b"tEXt", b"zTXt") and payload.startswith(_IPTC_TEXTS):
            captions = kept_info(read_text(unpacked_text(chunk.kind, payload)))
            info |= captions
            extras += extras_of(captions)
        elif chunk.kind == b"caBX":
            extras.append(Extra(PROVENANCE, len(payload)))
        elif chunk.kind == b"IEND":
            end = chunk.end + 4
        elif chunk.kind not in _KNOWN:
            unknown += len(payload)
    if profile := large_profile(data):
        info["icc_profile"] = profile
    if unknown:
        extras.append(Extra(f"{UNKNOWN} of a program", unknown))
    for chunk in unreadable_chunks(data):
        if chunk.kind != b"iCCP":
            extras.append(Extra(f"text of more than {MAX_TEXT >> 20} MiB", chunk.end - chunk.start))
        elif not profile:
            extras.append(Extra("color profile that is damaged or too large", chunk.end - chunk.start))
    return Contents((*extras, *look_behind(data[end:])), info)
