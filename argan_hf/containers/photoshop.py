"""Resources of Photoshop in JPEG and TIFF files: captions and credits (IPTC), clipping paths, the copyright flag.

Only what says something about the picture is kept. Thumbnails, print settings and the like describe another file.
"""

import struct
from typing import Any

from .extras import CAPTIONS, CLIPPING_PATH, COPYRIGHT, Extra

SEGMENT = b"Photoshop 3.0\0"
"""Start of the payload of a JPEG segment with resources."""

IPTC = 0x0404
"""Number of the resource with captions and credits."""

THUMBNAILS = (0x0409, 0x040C)
"""Numbers of the resources with a thumbnail."""

_COPYRIGHT, _ADDRESS = 0x040A, 0x040B
_FIRST_PATH, _PATH_NAME = 0x07D0, 0x0BB7
_MARK = b"8BIM"


def read_resources(data: bytes) -> dict[int, bytes]:
    """The resources by their number, from the payload of a TIFF tag, or of a JPEG segment behind its start.

    Args:
        data: the payload, damaged or not.
    """
    resources, position = {}, 0
    while data[position : position + 4] == _MARK and position + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        position += 6 + (data[position + 6] | 1) + 1  # the name, a string padded to an even length
        if position + 4 > len(data):
            break
        (size,) = struct.unpack_from(">L", data, position)
        resources[number] = data[position + 4 : position + 4 + size]
        position += 4 + size + (size & 1)
    return resources


def encode_resources(resources: dict[int, bytes]) -> bytes:
    """The payload of a TIFF tag, or of a JPEG segment behind its start, that holds resources."""
    return b"".join(
        _MARK + struct.pack(">HHL", number, 0, len(value)) + value + b"\0" * (len(value) & 1)
        for number, value in resources.items()
    )


def read_text(text: bytes) -> dict[int, bytes]:
    """The resources in a text of a PNG file, as ImageMagick writes it: a name, a size, hexadecimal digits."""
    try:
        return read_resources(bytes.fromhex("".join(text.decode("latin-1").split()[2:])))
    except ValueError:
        return {}


def encode_text(resources: dict[int, bytes]) -> str:
    """The text of a PNG file that holds resources."""
    data = encode_resources(resources)
    lines = [data[start : start + 36].hex() for start in range(0, len(data), 36)]
    return "\n".join(("", "iptc", f"{len(data):8}", *lines, ""))


def kept_info(resources: dict[int, Any]) -> dict[str, Any]:
    """The resources that are carried over.

    Args:
        resources: by their number, as [`read_resources`] or Pillow gives them.

    Returns:
        Under "iptc" captions and credits (bytes), under "photoshop" the others (dictionary of bytes); none if empty.
    """
    found = {number: value for number, value in resources.items() if isinstance(value, bytes) and value}
    others = {number: found[number] for number in found if number in (_COPYRIGHT, _ADDRESS) or _is_path(number)}
    return ({"iptc": found[IPTC]} if IPTC in found else {}) | ({"photoshop": others} if others else {})


def without_paths(resources: dict[int, bytes]) -> dict[int, bytes]:
    """The resources that are still true when the picture was turned."""
    return {number: value for number, value in resources.items() if not _is_path(number)}


def extras_of(info: dict[str, Any]) -> list[Extra]:
    """What was found, in words.

    Args:
        info: from [`kept_info`].
    """
    others: dict[int, bytes] = info.get("photoshop", {})
    paths = sum(len(value) for number, value in others.items() if _is_path(number))
    rest = sum(map(len, others.values())) - paths
    found = ((CAPTIONS, len(info.get("iptc", b"")), "iptc"), (CLIPPING_PATH, paths, "photoshop"))
    return [Extra(*each) for each in (*found, (COPYRIGHT, rest, "photoshop")) if each[1]]


def _is_path(number: int) -> bool:
    return _FIRST_PATH <= number <= _PATH_NAME
