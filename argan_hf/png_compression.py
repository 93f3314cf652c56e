"""Compresses the pixels of PNG files with libdeflate, which takes a third of the time of zlib for the same size.

Pillow and libpng filter the rows, which makes them compressible, and write them uncompressed. So they keep writing the
file, with all that it holds, and only the compressed data are put in their place.
"""

import io
import zlib
from collections.abc import Sequence

import imagecodecs

from .containers.png_chunks import SIGNATURE, chunk_parts, chunks, encode_chunk, uncompressed_size

# Of libdeflate, 1 to 12. Its files of this level and those of zlib's 6 have the same size on the average.
_LEVEL = 6
# A chunk of a PNG file has less than 2**31 bytes.
_LARGEST_CHUNK = 1 << 30


def compress_png(file: io.BytesIO, added: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """A PNG file with the same pixels and chunks, its pixels compressed.

    Args:
        file: a PNG file, not interlaced, whose pixels an encoder filtered and did not compress (level 0). It is closed,
            which frees its memory before more is needed.
        added: further chunks (name, payload) that follow its header.
    """
    data = file.getvalue()
    file.close()
    rows = bytearray(uncompressed_size(data))  # with a filter byte each
    before, after = [SIGNATURE], list[bytes]()
    inflater, end = zlib.decompressobj(), 0
    for chunk in chunks(data):
        if chunk.kind == b"IDAT":
            # Piece by piece: a whole copy of a picture of 100 megapixels would take too much memory.
            piece = inflater.decompress(data[chunk.start : chunk.end])
            rows[end : end + len(piece)] = piece
            end += len(piece)
        else:
            (after if end else before).append(data[chunk.start - 8 : chunk.end + 4])
    del data
    packed = imagecodecs.deflate_encode(rows, level=_LEVEL, raw=False)
    del rows
    before[2:2] = [encode_chunk(kind, payload) for kind, payload in added]
    pixels = [
        part
        for start in range(0, len(packed), _LARGEST_CHUNK)
        for part in chunk_parts(b"IDAT", memoryview(packed)[start : start + _LARGEST_CHUNK])
    ]
    return b"".join((*before, *pixels, *after))
