"""What a JPEG file holds besides its picture: segments, and what follows the end of the image."""

import struct
from typing import Any

from . import extras as words
from .exif import thumbnail_size
from .extras import CAPTIONS, CLIPPING_PATH, GAIN_MAP, PICTURE, PROVENANCE, THUMBNAIL, UNKNOWN, VIDEO, Contents, Extra
from .segments import COMMENT, read_layout

_XMP, _EXTENDED_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_GAIN_MAP_SIGNS = (b"urn:iso:std:iso:ts:21496:-1\0", b"http://ns.adobe.com/hdr-gain-map/", b"HDRGainMap")
_PHOTOSHOP, _JPEG = b"Photoshop 3.0\0", b"\xff\xd8\xff"
_IPTC, _FIRST_PATH, _LAST_PATH, _PATH_NAME = 0x0404, 0x07D0, 0x0BB6, 0x0BB7
_PHOTOSHOP_THUMBNAILS = (0x0409, 0x040C)
# Segments on how the file is stored, or that Pillow reads: JFIF, Exif, XMP, profile, list of pictures, Adobe.
_KNOWN = (b"JFIF\0", b"Exif\0", _XMP, _EXTENDED_XMP, b"ICC_PROFILE\0", b"MPF\0", b"Adobe", b"Ducky", _PHOTOSHOP)
# Pictures behind a picture that are looked at; hostile files can have any number.
_MOST_BEHIND = 20
_OF_THE_SOURCE = "a gain map belongs to the pixels as they were before"
_SIGNED = "its signature is on the pixels as they were"


def look_into_jpeg(data: bytes) -> Contents:
    """Find what a JPEG file holds besides its picture.

    Args:
        data: the bytes of the file, damaged or not.
    """
    layout = read_layout(data)
    payloads = [(segment.marker, data[segment.start : segment.end]) for segment in layout.segments]
    info: dict[str, Any] = {}
    comments = [payload for marker, payload in payloads if marker == COMMENT and payload]
    if comments:
        info["comment"] = b"\n".join(comments)
    extras = [Extra(words.COMMENT, len(comment), "comment") for comment in comments]
    applications = [(marker, payload) for marker, payload in payloads if 0xE0 <= marker <= 0xEF]
    extended = _extended_xmp(applications)
    if extended:
        extras.append(Extra(words.EXTENDED_XMP, len(extended), "xmp"))
    resources: dict[int, bytes] = {}
    for marker, payload in applications:
        if marker == 0xED and payload.startswith(_PHOTOSHOP):
            resources |= photoshop_resources(payload.removeprefix(_PHOTOSHOP))
    if resources := kept_resources(resources):
        info["photoshop"] = resources
        extras += extras_of_resources(resources)
    extras += _thumbnails(applications)
    boxes = b"".join(payload[8:] for marker, payload in applications if marker == 0xEB and payload[:2] == b"JP")
    if boxes:
        extras.append(_of_boxes(boxes))
    known = (*_KNOWN, *_GAIN_MAP_SIGNS, b"JFXX\0")
    unknown = [len(load) for marker, load in applications if marker != 0xEB and not load.startswith(known)]
    if unknown:
        extras.append(Extra(f"{UNKNOWN} of a program or camera", sum(unknown)))
    if layout.end is not None and layout.end < len(data):
        extras += look_behind(data[layout.end :])
    return Contents(tuple(extras), info, extended, lacks_end=layout.end is None)


def look_behind(data: bytes) -> list[Extra]:
    """What follows the end of a picture: other pictures, gain maps, videos; empty space is nothing.

    Args:
        data: the bytes behind the end.
    """
    extras: list[Extra] = []
    while data.strip(b"\0\xff \r\n"):
        if len(extras) == _MOST_BEHIND:
            return [*extras, Extra(f"{UNKNOWN} behind the picture", len(data))]
        size, extra = _next_behind(data)
        extras.append(extra)
        data = data[size:]
    return extras


def photoshop_resources(data: bytes) -> dict[int, bytes]:
    """The resources of Photoshop by their number, from the payload of their segment or TIFF tag."""
    resources, position = {}, 0
    while data[position : position + 4] == b"8BIM" and position + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        position += 6 + (data[position + 6] | 1) + 1  # the name, a string padded to an even length
        if position + 4 > len(data):
            break
        (size,) = struct.unpack_from(">L", data, position)
        resources[number] = data[position + 4 : position + 4 + size]
        position += 4 + size + (size & 1)
    return resources


def encode_resources(resources: dict[int, bytes]) -> bytes:
    """The payload of a segment, or of a TIFF tag, that holds resources of Photoshop."""
    return b"".join(
        b"8BIM" + struct.pack(">HHL", number, 0, len(value)) + value + b"\0" * (len(value) & 1)
        for number, value in resources.items()
    )


def photoshop_segment(resources: dict[int, bytes]) -> bytes:
    """The same as the payload of a JPEG segment."""
    return _PHOTOSHOP + encode_resources(resources)


def kept_resources(resources: dict[int, Any]) -> dict[int, bytes]:
    """The resources that say something about the picture, not about its storage: captions and paths."""
    return {
        number: value
        for number, value in resources.items()
        if isinstance(value, bytes) and (number in (_IPTC, _PATH_NAME) or _FIRST_PATH <= number <= _LAST_PATH)
    }


def without_paths(resources: dict[int, bytes]) -> dict[int, bytes]:
    """The resources that are still true when the picture was turned."""
    return {number: value for number, value in resources.items() if number == _IPTC}


def extras_of_resources(resources: dict[int, bytes]) -> list[Extra]:
    """What resources of Photoshop hold, in words."""
    captions = len(resources.get(_IPTC, b""))
    paths = sum(len(value) for number, value in resources.items() if number != _IPTC)
    found = [(CAPTIONS, captions), (CLIPPING_PATH, paths)]
    return [Extra(kind, size, "photoshop") for kind, size in found if size]


def _next_behind(data: bytes) -> tuple[int, Extra]:
    """What data start with, and where that ends."""
    start = len(data) - len(data.lstrip(b"\0 \r\n"))
    if data.startswith(_JPEG, start):
        size = read_layout(data[start:]).end or len(data) - start
        is_gain_map = _is_gain_map(data[start : start + size])
        extra = Extra(GAIN_MAP, size, why=_OF_THE_SOURCE) if is_gain_map else Extra(PICTURE, size)
        return start + size, extra
    # A video starts with the size of its first box, in four bytes. Some cameras put something before it.
    video, following = data.find(b"ftyp"), data.find(_JPEG)
    if video >= 4 and (following < 0 or video < following):
        return len(data), Extra(VIDEO, len(data) - video + 4)
    size = following if following > 0 else len(data)
    return size, Extra(f"{UNKNOWN} behind the picture", size)


def _is_gain_map(data: bytes) -> bool:
    heads = b"".join(data[segment.start : segment.end][:4096] for segment in read_layout(data).segments)
    return any(sign in heads for sign in _GAIN_MAP_SIGNS)


def _thumbnails(applications: list[tuple[int, bytes]]) -> list[Extra]:
    """Thumbnails. Only that in the Exif data is kept: all of its programs expect one."""
    sizes = []
    found_in_exif = []
    for marker, payload in applications:
        if size := thumbnail_size(payload) if marker == 0xE1 and payload.startswith(b"Exif\0") else 0:
            found_in_exif.append(Extra(words.EXIF_THUMBNAIL, size, "exif"))
        if marker == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) > 14:
            sizes.append(len(payload) - 14)
        elif marker == 0xE0 and payload.startswith(b"JFXX\0"):
            sizes.append(len(payload) - 6)
        elif marker == 0xED and payload.startswith(_PHOTOSHOP):
            found = photoshop_resources(payload.removeprefix(_PHOTOSHOP))
            sizes += [len(found[number]) for number in _PHOTOSHOP_THUMBNAILS if number in found]
    return found_in_exif + [Extra(THUMBNAIL, size) for size in sizes]


def _of_boxes(boxes: bytes) -> Extra:
    if b"c2pa" in boxes:
        return Extra(PROVENANCE, len(boxes), why=_SIGNED)
    return Extra(f"{UNKNOWN} in JUMBF boxes, such as a proof of origin", len(boxes))


def _extended_xmp(applications: list[tuple[int, bytes]]) -> bytes:
    """The extended packet, if all of its parts are there: each states its place and the size of the whole."""
    parts = [payload[len(_EXTENDED_XMP) :] for _, payload in applications if payload.startswith(_EXTENDED_XMP)]
    parts = [part for part in parts if len(part) > 40]
    main = next((payload for _, payload in applications if payload.startswith(_XMP)), b"")
    # Editors leave parts of former packets behind. The main packet names the one that counts.
    names = dict.fromkeys(part[:32] for part in parts)
    name = next((name for name in names if name in main), next(iter(names), b""))
    placed = sorted((*struct.unpack_from(">LL", part, 32)[::-1], part[40:]) for part in parts if part[:32] == name)
    whole = bytearray()
    for offset, _, part in placed:
        if offset == len(whole):
            whole += part
    return bytes(whole) if placed and len(whole) == placed[0][1] else b""


def xmp_segments(main: bytes, extended: bytes, name: bytes) -> list[bytes]:
    """The payloads of segments that hold XMP in two packets.

    Args:
        main: the main packet, which fits into one segment.
        extended: the other one.
        name: 32 bytes, the MD5 sum of the extended packet in hexadecimal digits, as the main packet states it.
    """
    step, size = 65_000, len(extended)
    parts = [
        _EXTENDED_XMP + name + struct.pack(">LL", size, start) + extended[start : start + step]
        for start in range(0, size, step)
    ]
    return [_XMP + main, *parts]
