"""What a JPEG file holds besides its picture: in its segments, and behind the end of the image."""

import struct
from typing import Any

from . import extras as words
from .behind import GAIN_MAP_SIGNS, look_behind
from .exif import thumbnail_size
from .extras import Contents, Extra
from .photoshop import SEGMENT, THUMBNAILS, Resource, extras_of, kept_info, read_resources
from .segments import COMMENT, read_layout

_APP0, _APP1, _APP11, _APP13, _APP15 = 0xE0, 0xE1, 0xEB, 0xED, 0xEF
_XMP, _EXTENDED_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_JFIF, _JFXX, _EXIF, _BOXES = b"JFIF\0", b"JFXX\0", b"Exif\0", b"JP"
# Segments on how the file is stored, and those that are read here or by Pillow.
_KNOWN = (_JFIF, _JFXX, _EXIF, _XMP, _EXTENDED_XMP, b"ICC_PROFILE\0", b"MPF\0", b"Adobe", b"Ducky", SEGMENT)
_NAME_SIZE, _PART_HEADER_SIZE, _PART_SIZE = 32, 40, 65_000


def look_into_jpeg(data: bytes) -> Contents:
    """Find what a JPEG file holds besides its picture.

    Args:
        data: the bytes of the file, damaged or not.
    """
    layout = read_layout(data)
    payloads = [(segment.marker, data[segment.start : segment.end]) for segment in layout.segments]
    info: dict[str, Any] = {}
    extras: list[Extra] = []
    if comments := [payload for marker, payload in payloads if marker == COMMENT and payload]:
        info["comment"] = b"\n".join(comments)
        extras += [Extra(words.COMMENT, len(comment), "comment") for comment in comments]
    applications = [(marker, payload) for marker, payload in payloads if _APP0 <= marker <= _APP15]
    extended, is_whole = _extended_xmp(applications)
    if extended or not is_whole:
        extra = Extra(words.EXTENDED_XMP, len(extended), "xmp")
        extras.append(extra if is_whole else Extra(words.DAMAGED_EXTENDED_XMP, 0))
    # Resources of more than 64 KiB go on in the next segment.
    parts = [load for marker, load in applications if marker == _APP13 and load.startswith(SEGMENT)]
    resources = read_resources(b"".join(part.removeprefix(SEGMENT) for part in parts))
    info |= kept_info(resources)
    extras += extras_of(info)
    extras += _thumbnails(applications, resources)
    boxes = b"".join(payload[8:] for marker, payload in applications if marker == _APP11 and payload[:2] == _BOXES)
    if boxes:
        other = f"{words.UNKNOWN} in JUMBF boxes, as proofs of origin are"
        extras.append(Extra(words.PROVENANCE if b"c2pa" in boxes else other, len(boxes)))
    known = (*_KNOWN, *GAIN_MAP_SIGNS)
    unknown = [
        len(load)
        for marker, load in applications
        if not load.startswith(known) and not (marker == _APP11 and load[:2] == _BOXES)
    ]
    if unknown:
        extras.append(Extra(f"{words.UNKNOWN} of a program or camera", sum(unknown)))
    if layout.end is not None and layout.end < len(data):
        extras += look_behind(data[layout.end :])
    return Contents(tuple(extras), info, extended)


def xmp_segments(main: bytes, extended: bytes, name: bytes) -> list[bytes]:
    """The payloads of segments that hold XMP in two packets.

    Args:
        main: the main packet, which fits into one segment.
        extended: the other one.
        name: 32 bytes, the MD5 sum of the extended packet in hexadecimal digits, as the main packet states it.
    """
    size = len(extended)
    parts = [
        _EXTENDED_XMP + name + struct.pack(">LL", size, start) + extended[start : start + _PART_SIZE]
        for start in range(0, size, _PART_SIZE)
    ]
    return [_XMP + main, *parts]


def _thumbnails(applications: list[tuple[int, bytes]], resources: dict[int, Resource]) -> list[Extra]:
    """Thumbnails. Only that in the Exif data is kept: it is a part of them, and they stay as they are."""
    found = []
    for marker, payload in applications:
        if marker == _APP1 and payload.startswith(_EXIF) and (size := thumbnail_size(payload)):
            found.append(Extra(words.EXIF_THUMBNAIL, size, "exif"))
        elif marker == _APP0 and payload.startswith(_JFIF) and len(payload) > 14:
            found.append(Extra(words.THUMBNAIL, len(payload) - 14))
        elif marker == _APP0 and payload.startswith(_JFXX):
            found.append(Extra(words.THUMBNAIL, len(payload) - 6))
    return found + [
        Extra(words.THUMBNAIL, len(resources[number].value)) for number in THUMBNAILS if number in resources
    ]


def _extended_xmp(applications: list[tuple[int, bytes]]) -> tuple[bytes, bool]:
    """The extended packet, empty if there is none; and whether all of its parts are there.

    Every part states its place and the size of the whole.
    """
    parts = [payload[len(_EXTENDED_XMP) :] for _, payload in applications if payload.startswith(_EXTENDED_XMP)]
    parts = [part for part in parts if len(part) > _PART_HEADER_SIZE]
    main = next((payload for _, payload in applications if payload.startswith(_XMP)), b"")
    # Editors leave parts of former packets behind. The main packet names the one that counts.
    names = dict.fromkeys(part[:_NAME_SIZE] for part in parts)
    name = next((name for name in names if name in main or not main), b"")
    if parts and not name:
        return b"", False
    placed = sorted(
        (*struct.unpack_from(">LL", part, _NAME_SIZE)[::-1], part[_PART_HEADER_SIZE:])
        for part in parts
        if part[:_NAME_SIZE] == name
    )
    whole = bytearray()
    for offset, _, part in placed:
        if offset == len(whole):
            whole += part
    is_whole = not placed or len(whole) == placed[0][1]
    return bytes(whole) if is_whole else b"", is_whole
