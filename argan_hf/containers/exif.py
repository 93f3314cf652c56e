"""Exif data that are made true for a restored picture, changed in place.

Writing them anew would move the offsets inside of maker notes, which no program knows, and lose tags that no program
knows. So numbers are overwritten where they are.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
_WIDTH, _HEIGHT, _EXIF_DIRECTORY, _GPS_DIRECTORY = 0x0100, 0x0101, 0x8769, 0x8825
_INTEROPERABILITY, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA005, 0xA002, 0xA003
_THUMBNAIL, _THUMBNAIL_SIZE, _STRIP, _STRIP_SIZE = 0x0201, 0x0202, 0x0111, 0x0117
_SHORT, _LONG = 3, 4
# Bytes of a value of each type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, …
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_CODES = {_SHORT: "H", _LONG: "L"}


@dataclass(frozen=True)
class _Number:
    """A tag that holds one whole number.

    Attributes:
        tag: its number.
        position: of the value in the Exif data.
        layout: of the value, for `struct`.
        value: of the tag.
    """

    tag: int
    position: int
    layout: str
    value: int


def orientation_of(exif: bytes) -> int | None:
    """The orientation that Exif data state, `None` if they state none or are damaged; of several, the last."""
    found = _orientations(exif)
    return found[-1].value if found else None


def states_plain_orientation(exif: bytes) -> bool:
    """Whether Exif data state an orientation as a SHORT, the only way that browsers read."""
    found = _orientations(exif)
    return len(found) == 1 and found[0].layout[1] == _CODES[_SHORT]


def thumbnail_size(exif: bytes) -> int:
    """Bytes of the thumbnail in Exif data, which is a JPEG file or uncompressed; 0 if there is none."""
    for place, size in ((_THUMBNAIL, _THUMBNAIL_SIZE), (_STRIP, _STRIP_SIZE)):
        found = _find(exif, 1, size)
        if found and _find(exif, 1, place):
            return found.value
    return 0


def made_upright(exif: bytes) -> bytes:
    """Exif data of a picture that was turned: orientation 1, and no thumbnail, which would lie on its side.

    The thumbnail's directory is no longer linked; its bytes remain, so that nothing moves.
    """
    changed = bytearray(exif)
    for found in _orientations(exif):
        struct.pack_into(found.layout, changed, found.position, 1)
    if place := _second_directory(exif):
        changed[place : place + 4] = bytes(4)
    return bytes(changed)


def without_orientation(exif: bytes) -> bytes:
    """Exif data of an upright picture without the statement on it, which encoders replace by moving everything.

    The entries behind it move up in the first directory, so that all values stay where they are.
    """
    changed, order, directory = bytearray(exif), _order(exif), _directory(exif, 0)
    if order is None or directory is None:
        return exif
    for found in reversed(_orientations(exif)):
        (count,) = struct.unpack_from(f"{order}H", changed, directory)
        entry, end = found.position - 8, directory + 2 + 12 * count + 4
        changed[entry:end] = changed[entry + 12 : end] + bytes(12)
        struct.pack_into(f"{order}H", changed, directory, count - 1)
    return bytes(changed)


def with_size(exif: bytes, size: tuple[int, int]) -> bytes:
    """Exif data with the width and height of a picture, wherever they state a size in pixels.

    Args:
        exif: the data, damaged or not.
        size: (width, height) of the picture.
    """
    if not all(0 < side < 1 << 32 for side in size):
        return exif
    sides = {_WIDTH: size[0], _HEIGHT: size[1], _PIXEL_WIDTH: size[0], _PIXEL_HEIGHT: size[1]}
    directories = [_directory(exif, 0)]
    if below := _find(exif, 0, _EXIF_DIRECTORY):
        directories.append(_start(exif) + below.value)
    changed = bytearray(exif)
    for number in (number for directory in directories for number in _numbers(exif, directory)):
        side = sides.get(number.tag)
        if side is not None and (number.layout[1] == _CODES[_LONG] or side < 1 << 16):
            struct.pack_into(number.layout, changed, number.position, side)
    return bytes(changed)


def is_sound(exif: bytes) -> bool:
    """Whether the directories of Exif data and all values lie within them, so that Pillow reads them without a word."""
    order, start = _order(exif), _start(exif)
    if order is None:
        return False
    directories = [_directory(exif, 0)]
    for tag in (_EXIF_DIRECTORY, _GPS_DIRECTORY):
        if below := _find(exif, 0, tag):
            directories.append(start + below.value)
    return all(directory is not None and _is_sound(exif, directory, order, start) for directory in directories)


def has_sound_interoperability(exif: bytes) -> bool:
    """Whether Exif data hold interoperability tags that can be read: in many files, their place leads nowhere."""
    order, start = _order(exif), _start(exif)
    below = _find(exif, 0, _EXIF_DIRECTORY)
    if order is None or below is None:
        return False
    places = [number.value for number in _numbers(exif, start + below.value) if number.tag == _INTEROPERABILITY]
    return bool(places) and places[-1] > 0 and _is_sound(exif, start + places[-1], order, start)


def _is_sound(exif: bytes, directory: int, order: str, start: int) -> bool:
    if directory + 2 > len(exif):
        return False
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    end = directory + 2 + 12 * count
    if end > len(exif):
        return False
    for entry in range(directory + 2, end, 12):
        kind, values, place = struct.unpack_from(f"{order}HLL", exif, entry + 2)
        size = _SIZES.get(kind, 0) * values  # Pillow skips types that it does not know.
        if size > 4 and start + place + size > len(exif):
            return False
    return True


def _orientations(exif: bytes) -> list[_Number]:
    return [number for number in _numbers(exif, _directory(exif, 0)) if number.tag == ORIENTATION]


def _find(exif: bytes, directory: int, tag: int) -> _Number | None:
    """The tag of the first (0) or second (1) directory."""
    return next((number for number in _numbers(exif, _directory(exif, directory)) if number.tag == tag), None)


def _numbers(exif: bytes, directory: int | None) -> Iterator[_Number]:
    """All tags of a directory that hold one whole number."""
    order = _order(exif)
    if order is None or directory is None or directory + 2 > len(exif):
        return
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, values = struct.unpack_from(f"{order}HHL", exif, entry)
        if kind in _CODES and values == 1:
            layout = order + _CODES[kind]
            yield _Number(tag, entry + 8, layout, int(struct.unpack_from(layout, exif, entry + 8)[0]))


def _directory(exif: bytes, number: int) -> int | None:
    """Position of the first (0) or second (1) directory, which holds the thumbnail; `None` if there is none."""
    order, start = _order(exif), _start(exif)
    if order is None:
        return None
    place = start + 4 if number == 0 else _second_directory(exif)
    if place is None:
        return None
    (offset,) = struct.unpack_from(f"{order}L", exif, place)
    return start + int(offset) if offset else None


def _second_directory(exif: bytes) -> int | None:
    """Where the first directory states the place of the second."""
    order, directory = _order(exif), _directory(exif, 0)
    if order is None or directory is None or directory + 2 > len(exif):
        return None
    place = directory + 2 + 12 * int(struct.unpack_from(f"{order}H", exif, directory)[0])
    return place if place + 4 <= len(exif) else None


def _start(exif: bytes) -> int:
    return 6 if exif.startswith(b"Exif\0\0") else 0


def _order(exif: bytes) -> str | None:
    """Byte order as `struct` names it; `None` if these are no Exif data."""
    start = _start(exif)
    return {b"II": "<", b"MM": ">"}.get(exif[start : start + 2]) if len(exif) >= start + 8 else None
