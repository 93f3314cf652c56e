"""The chunks of WebP files (RIFF), and the boxes of AVIF files (ISO base media)."""

import struct
from collections.abc import Iterator

from .exif import thumbnail_size
from .extras import EXIF_THUMBNAIL, GAIN_MAP, PROVENANCE, UNKNOWN, Contents, Extra

_WEBP_CHUNKS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP ")
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
_NCLX_SIZE = 11
_UNSPECIFIED, _SRGB_PRIMARIES, _SRGB_TRANSFER = 2, 1, 13


def look_into_webp(data: bytes) -> Contents:
    """Find what a WebP file holds besides its picture."""
    extras, position = [], 12
    end = min(len(data), 8 + int(struct.unpack_from("<L", data, 4)[0]))
    while position + 8 <= end:
        kind, size = data[position : position + 4], int(struct.unpack_from("<L", data, position + 4)[0])
        if kind == b"EXIF" and (thumbnail := thumbnail_size(data[position + 8 : position + 8 + size])):
            extras.append(Extra(EXIF_THUMBNAIL, thumbnail, "exif"))
        elif kind == b"C2PA":
            extras.append(Extra(PROVENANCE, size))
        elif kind not in _WEBP_CHUNKS:
            extras.append(Extra(f"{UNKNOWN} of a program", size))
        position += 8 + size + (size & 1)
    if data[end:].strip(b"\0"):
        extras.append(Extra(f"{UNKNOWN} behind the picture", len(data) - end))
    return Contents(tuple(extras))


def look_into_avif(data: bytes) -> Contents:
    """Find what an AVIF file holds besides its picture, and its color description, if that is not sRGB."""
    extras: list[Extra] = []
    info: dict[str, bytes] = {}
    bits = 8
    for kind, start, end in _boxes(data, 0, len(data)):
        payload = data[start:end]
        if kind == b"uuid" and payload.startswith(_C2PA_UUID):
            extras.append(Extra(PROVENANCE, len(payload)))
        elif kind == b"infe" and payload[8:12] == b"tmap":
            extras.append(Extra(GAIN_MAP, 0))
        elif kind == b"pixi" and len(payload) > 5:
            bits = max(bits, payload[5])
        elif kind == b"colr" and payload.startswith(b"nclx") and len(payload) >= _NCLX_SIZE and "cicp" not in info:
            primaries, transfer = struct.unpack_from(">HH", payload, 4)
            if (primaries, transfer) != (_SRGB_PRIMARIES, _SRGB_TRANSFER) and _UNSPECIFIED not in (primaries, transfer):
                # What is written is RGB of full range, whatever the file stored.
                info["cicp"] = bytes((primaries & 255, transfer & 255, 0, 1))
                extras.append(Extra("color description (nclx)", len(payload), "cicp"))
    return Contents(tuple(extras), dict(info), bits=bits if bits > 8 else None)


def look_into_others(data: bytes) -> Contents:
    """Find how many bits per channel a JPEG 2000 or SGI file has: of colors, Pillow reads 8."""
    if data[:2] == b"\x01\xda":  # SGI, bytes per channel
        return Contents(bits=16 if data[3:4] == b"\2" else None)
    header = data.find(b"ihdr", 0, 200)
    channels = int.from_bytes(data[header + 12 : header + 14], "big") if header > 0 else 1
    bits = (data[header + 14] & 127) + 1 if 0 < header < len(data) - 15 else 8
    return Contents(bits=bits if bits > 8 and channels > 1 else None)


def _boxes(data: bytes, position: int, end: int, depth: int = 4) -> Iterator[tuple[bytes, int, int]]:
    """Boxes and those inside of them: kind, start and end of the payload.

    Args:
        data: the bytes of the file.
        position, end: where the boxes lie.
        depth: levels of boxes inside of boxes that are looked into; the standard has three.
    """
    while position + 8 <= end:
        size, start = int(struct.unpack_from(">L", data, position)[0]), position + 8
        kind = data[position + 4 : start]
        if size == 1 and start + 8 <= end:
            size, start = int(struct.unpack_from(">Q", data, start)[0]), start + 8
        stop = end if size == 0 else position + size
        if stop < start or stop > end:
            return
        yield kind, start, stop
        if kind in _CONTAINERS and depth:
            yield from _boxes(data, start + _CONTAINERS[kind], stop, depth - 1)
        elif kind == b"iinf" and depth:
            version = data[start] if start < stop else 0
            yield from _boxes(data, start + (6 if version == 0 else 8), stop, depth - 1)
        position = stop
