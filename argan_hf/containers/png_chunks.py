"""The chunks of a PNG file: what Pillow does not list, and what it refuses to read.

Pillow refuses a whole file for one profile or text of more than a mebibyte. Nothing of the pixels depends on them.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 1 << 20
"""Pillow reads profiles and texts of up to this many bytes, uncompressed."""

# Larger color profiles are left out; those of printers have a few mebibytes.
_MAX_PROFILE = 8 << 20
_HEADER_SIZE = 13
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MAX_ALL_TEXTS = 32 * MAX_TEXT
_PROFILE_HEADER, _PROFILE_SIGNATURE = 128, slice(36, 40)


@dataclass(frozen=True)
class Chunk:
    """A chunk of a PNG file.

    Attributes:
        kind: its name, `b"iCCP"`.
        start, end: of its payload in the file, without length, name and checksum.
    """

    kind: bytes
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG file in their order, up to its end, or to where it makes no sense."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, position)
        kind, start = data[position + 4 : position + 8], position + 8
        if start + length + 4 > len(data):
            return
        yield Chunk(kind, start, start + length)
        if kind == b"IEND":
            return
        position = start + length + 4


def encode_chunk(kind: bytes, payload: bytes) -> bytes:
    """The bytes of a chunk: length, name, payload, checksum."""
    return b"".join(chunk_parts(kind, payload))


def chunk_parts(kind: bytes, payload: bytes | memoryview) -> tuple[bytes | memoryview, ...]:
    """The same in parts, without a copy of the payload."""
    checksum = zlib.crc32(payload, zlib.crc32(kind))
    return struct.pack(">L", len(payload)) + kind, payload, struct.pack(">L", checksum)


def with_chunks(data: bytes, added: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG file with further chunks (name, payload) after its header."""
    end = len(SIGNATURE) + 12 + _HEADER_SIZE
    return data[:end] + b"".join(encode_chunk(kind, payload) for kind, payload in added) + data[end:]


def with_readable_chunks(data: bytes) -> bytes:
    """A PNG file without the profiles and texts for which Pillow refuses it; any other file is not changed."""
    kept, start = [], 0
    for chunk in unreadable_chunks(data):
        kept.append(data[start : chunk.start - 8])
        start = chunk.end + 4
    return b"".join((*kept, data[start:])) if kept else data


def unreadable_chunks(data: bytes) -> list[Chunk]:
    """The profiles and texts of a PNG file for which Pillow refuses it; none for any other file."""
    found, unpacked = [], 0
    for chunk in chunks(data) if data.startswith(SIGNATURE) else ():
        if chunk.kind not in (b"iCCP", b"zTXt", b"iTXt", b"tEXt"):
            continue
        # What unpacks to much is not even tried once there was too much.
        size = MAX_TEXT + 1
        if unpacked <= _MAX_ALL_TEXTS:
            size = _unpacked_size(chunk.kind, data[chunk.start : chunk.end])
        unpacked += size
        if size > MAX_TEXT or unpacked > _MAX_ALL_TEXTS:
            found.append(chunk)
    return found


def uncompressed_size(data: bytes) -> int:
    """Bytes of the samples of a PNG file, by its header; those of interlaced files are a few more."""
    width, height, bits, color = struct.unpack_from(">LLBB", data, len(SIGNATURE) + 8)
    return int(height * (1 + width * bits * _CHANNELS.get(color, 1) // 8))


def large_profile(data: bytes) -> bytes | None:
    """The color profile of a PNG file for which Pillow refuses it, or `None`: none, or an unreasonable size."""
    for chunk in chunks(data):
        if chunk.kind == b"iCCP":
            _, _, rest = data[chunk.start : chunk.end].partition(b"\0")
            # A bomb is told by its header before it unpacks.
            header = _inflate(rest[1:], _PROFILE_HEADER) or b""
            if header[_PROFILE_SIGNATURE] != b"acsp":
                return None
            profile = _inflate(rest[1:], _MAX_PROFILE)
            return profile if profile is not None and MAX_TEXT < len(profile) <= _MAX_PROFILE else None
    return None


def unpacked_text(kind: bytes, payload: bytes) -> bytes:
    """The words of a chunk tEXt or zTXt, without their key; empty if they are damaged or unpack to too much."""
    _, _, rest = payload.partition(b"\0")
    found = rest if kind == b"tEXt" else _inflate(rest[1:], MAX_TEXT)
    return found if found is not None and len(found) <= MAX_TEXT else b""


def _unpacked_size(kind: bytes, payload: bytes) -> int:
    """Bytes of a profile or text; a size above `MAX_TEXT` need not be exact."""
    _, _, rest = payload.partition(b"\0")
    if kind == b"iTXt" and rest[:1] == b"\1":
        rest = b"".join(rest[2:].split(b"\0", 2)[2:])
    elif kind in (b"iCCP", b"zTXt"):
        rest = rest[1:]
    else:
        return len(payload)
    inflated = _inflate(rest, MAX_TEXT)
    return len(payload) if inflated is None else len(inflated)


def _inflate(compressed: bytes, limit: int) -> bytes | None:
    """The uncompressed data, one byte more than `limit` at most; `None` if they are damaged."""
    try:
        return zlib.decompressobj().decompress(compressed, limit + 1)
    except zlib.error:
        return None
