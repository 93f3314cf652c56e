"""Resources of Photoshop in JPEG and TIFF files: captions and credits (IPTC), clipping paths, the copyright flag.

Only what says something about the picture is kept. Thumbnails, print settings and the like describe another file.
"""

import struct
from typing import Any, NamedTuple

from .extras import CAPTIONS, CLIPPING_PATH, COPYRIGHT, Extra

SEGMENT = b"Photoshop 3.0\0"
"""Start of the payload of a JPEG segment with resources."""

IPTC = 0x0404
"""Number of the resource with captions and credits."""

THUMBNAILS = (0x0409, 0x040C)
"""Numbers of the resources with a thumbnail."""

_COPYRIGHT, _ADDRESS = 0x040A, 0x040B
_FIRST_PATH, _PATH_NAME = 0x07D0, 0x0BB7
# The second to fifth are those of other programs.
_MARKS = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
_START_OF_IPTC = b"\x1c"


class Resource(NamedTuple):
    """A resource of Photoshop.

    Attributes:
        name: of a clipping path, in the encoding of the file; mostly empty.
        value: its data.
    """

    name: bytes
    value: bytes


def read_resources(data: bytes) -> dict[int, Resource]:
    """The resources by their number, from the payload of a TIFF tag, or of a JPEG segment behind its start.

    Args:
        data: the payload, damaged or not.
    """
    resources, position = {}, 0
    while data[position : position + 4] in _MARKS and position + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        # The name, with its length before it, is padded to an even size. So are the data.
        name = data[position + 7 : position + 7 + data[position + 6]]
        position += 6 + (len(name) | 1) + 1
        if position + 4 > len(data):
            break
        (size,) = struct.unpack_from(">L", data, position)
        resources[number] = Resource(name, data[position + 4 : position + 4 + size])
        position += 4 + size + (size & 1)
    return resources


def encode_resources(resources: dict[int, Resource]) -> bytes:
    """The payload of a TIFF tag, or of a JPEG segment behind its start, that holds resources."""
    return b"".join(
        _MARKS[0]
        + struct.pack(">HB", number, len(name))
        + _padded(name, 1)
        + struct.pack(">L", len(value))
        + _padded(value)
        for number, (name, value) in resources.items()
    )


def read_text(text: bytes) -> dict[int, Resource]:
    """The resources in a text of a PNG file: a name, a size, hexadecimal digits.

    Programs write resources there, or the payload of a JPEG segment, or captions alone.
    """
    try:
        data = bytes.fromhex("".join(text.decode("latin-1").split()[2:]))
    except ValueError:
        return {}
    if data.startswith(_START_OF_IPTC):
        return {IPTC: Resource(b"", data)}
    return read_resources(data.removeprefix(SEGMENT))


def encode_text(resources: dict[int, Resource]) -> str:
    """The text of a PNG file that holds resources."""
    data = encode_resources(resources)
    lines = [data[start : start + 36].hex() for start in range(0, len(data), 36)]
    return "\n".join(("", "iptc", f"{len(data):8}", *lines, ""))


def kept_info(resources: dict[int, Any]) -> dict[str, Any]:
    """The resources that are carried over.

    Args:
        resources: by their number, as [`read_resources`] gives them, or as Pillow does, without their names.

    Returns:
        Under "iptc" captions and credits (bytes), under "photoshop" the others (dictionary of [`Resource`]); none if
        empty.
    """
    named = {number: Resource(b"", value) if isinstance(value, bytes) else value for number, value in resources.items()}
    found = {number: each for number, each in named.items() if isinstance(each, Resource) and each.value}
    others = {number: found[number] for number in found if number in (_COPYRIGHT, _ADDRESS) or _is_path(number)}
    return ({"iptc": found[IPTC].value} if IPTC in found else {}) | ({"photoshop": others} if others else {})


def without_paths(resources: dict[int, Resource]) -> dict[int, Resource]:
    """The resources that are still true when the picture was turned."""
    return {number: each for number, each in resources.items() if not _is_path(number)}


def extras_of(info: dict[str, Any]) -> list[Extra]:
    """What was found, in words.

    Args:
        info: from [`kept_info`].
    """
    others: dict[int, Resource] = info.get("photoshop", {})
    paths = sum(len(each.value) for number, each in others.items() if _is_path(number))
    rest = sum(len(each.value) for each in others.values()) - paths
    found = ((CAPTIONS, len(info.get("iptc", b"")), "iptc"), (CLIPPING_PATH, paths, "photoshop"))
    return [Extra(*each) for each in (*found, (COPYRIGHT, rest, "photoshop")) if each[1]]


def _padded(data: bytes, before: int = 0) -> bytes:
    """Data padded so that they, and what is before them, have an even size."""
    return data + b"\0" * ((len(data) + before) & 1)


def _is_path(number: int) -> bool:
    return _FIRST_PATH <= number <= _PATH_NAME
