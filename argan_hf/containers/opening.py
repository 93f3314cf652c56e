"""Opens pictures of unknown origin: in bounded time and memory, with one sentence for each that is refused."""

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile

from .directories import describe_samples, is_camera_raw
from .file_kinds import RAW_FILE, name_kind
from .missing_end import with_end
from .png_chunks import uncompressed_size, with_readable_chunks
from .segments import JpegLayout, read_layout

MAX_MEGAPIXELS = 200.0
"""Pictures larger than this are refused unless the caller raises the limit."""

MENDED = "lacked its end"
"""Key in the `info` of JPEG pictures whose file lacks its last marker."""

_MAX_FILE_BYTES = 2**30
_PART_BYTES = 2**24
# A progressive scan can be a few bytes long, yet decoding it visits the whole picture. Encoders write about ten, so the
# limit is on scans times megapixels, about 5 ms each; but every picture may have 30, and small ones no more than 500.
_MAX_SCANNED_MEGAPIXELS = 1000
_MIN_SCANS, _MAX_SCANS = 30, 500
_BITS_PER_SAMPLE = 0x0102
_BLOCKS_PER_BIT = 64
# Deflate makes no more than this of a byte.
_LARGEST_RATIO = 1032
# How Python prints an object in a message of an exception.
_OBJECT = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
FileSource = str | Path | bytes | bytearray | memoryview | IO[bytes]
"""What a file can be given as: a path, its bytes, or a file object that is open for reading bytes."""

# Pillow starts another program to draw PostScript, which is not safe for files of unknown origin.
_NOT_OPENED = ("EPS",)


class UnreadableImageError(ValueError):
    """The file is no picture, is damaged, or is of a kind that is not restored; the message says which."""


def open_image(source: FileSource, max_megapixels: float = MAX_MEGAPIXELS) -> Image.Image:
    """Open a picture: read its header, decode no pixels.

    Args:
        source: a path, the bytes of a file, or a file object that is open for reading bytes.
        max_megapixels: limit on the size that the header states, in millions of pixels. It replaces Pillow's own limit,
            which is a setting of the whole process.

    Raises:
        UnreadableImageError: if the file is missing, empty, no picture, or too large to be decoded safely.
    """
    return open_bytes(read_bytes(source), name_of(source), max_megapixels)


def open_bytes(data: bytes, name: str, max_megapixels: float = MAX_MEGAPIXELS) -> Image.Image:
    """The same for bytes that were read already.

    Args:
        data: the bytes of a file.
        name: of the file, for messages.
        max_megapixels: as for [`open_image`].

    Raises:
        UnreadableImageError: as [`open_image`].
    """
    image = _identify(with_readable_chunks(data), name)
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise UnreadableImageError(
            f"{name} claims to hold {megapixels:,.1f} megapixels, more than the limit of {max_megapixels:g};"
            " raise it with max_megapixels (--max-megapixels)"
        )
    if isinstance(image, PngImageFile) and uncompressed_size(data) > _LARGEST_RATIO * len(data):
        raise _too_small(name, data, megapixels)
    if isinstance(image, JpegImageFile):
        layout = read_layout(data)
        _check_work(image, data, layout, name)
        if layout.end is None and (complete := with_end(data, layout)) is not None:
            image = _identify(complete, name)
            image.info[MENDED] = True
    if isinstance(image, TiffImageFile) and isinstance(xmp := image.info.get("xmp"), str):
        # Pillow's own functions expect bytes.
        image.info["xmp"] = xmp.encode("utf-8", "surrogateescape")
    image.filename = name
    return image


def read_bytes(source: FileSource) -> bytes:
    """The bytes of a file.

    Args:
        source: as for [`open_image`]; a file object is read from its start, if it can be rewound.

    Raises:
        UnreadableImageError: if the file is missing, empty, or too large for a picture.
        TypeError: if the source is nothing that could be a file.
    """
    name = name_of(source)
    if isinstance(source, str | Path):
        data = _read(Path(source))
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = _read_open(source, name)
    else:
        raise TypeError(
            f"a picture is a path, bytes, an open file, a Pillow picture or an array, found {type(source).__name__}"
        )
    if not data:
        raise UnreadableImageError(f"{name} is empty (0 bytes)")
    if len(data) > _MAX_FILE_BYTES:
        raise UnreadableImageError(f"{name} is larger than {_MAX_FILE_BYTES >> 20} MiB, too large for a picture")
    return data


def name_of(source: FileSource) -> str:
    """What a file is called in messages."""
    return Path(source).name if isinstance(source, str | Path) else "the picture"


def _read(path: Path) -> bytes:
    if str(path).startswith(("http:/", "https:/")) and not path.exists():
        raise UnreadableImageError(f"{path} is a web address; download the picture first")
    try:
        with path.open("rb") as file:
            return b"".join(_parts(file))
    except (OSError, ValueError) as error:  # A name with a NUL raises ValueError.
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImageError(f"{path.name or path} cannot be read: {reason}") from error


def _read_open(file: IO[bytes], name: str) -> bytes:
    try:
        # As Pillow does: who just wrote to a buffer need not rewind it.
        if hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        parts = list(_parts(file))
    except (OSError, ValueError) as error:  # A closed file raises ValueError.
        raise UnreadableImageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not all(isinstance(part, bytes | bytearray) for part in parts):
        raise UnreadableImageError(f'{name} is open for reading text, expected bytes: open it with mode "rb"')
    return b"".join(parts)


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    """What a file holds, up to a little more than the limit; a pipe gives a part at a time."""
    size = 0
    # Python reserves as much memory as it is asked to read, so it is not asked for the limit at once.
    while size <= _MAX_FILE_BYTES and (part := file.read(min(_PART_BYTES, _MAX_FILE_BYTES + 1 - size))):
        yield part
        size += len(part)


def _check_work(image: JpegImageFile, data: bytes, layout: JpegLayout, name: str) -> None:
    """Refuse files that keep a decoder busy, or fill the memory, for a picture that they do not hold."""
    megapixels = image.width * image.height / 1e6
    limit = min(_MAX_SCANS, max(_MIN_SCANS, int(_MAX_SCANNED_MEGAPIXELS / megapixels)))
    if layout.scans > limit:
        raise UnreadableImageError(
            f"{name} has {layout.scans} progressive scans, more than the {limit} that are read at this size: such a "
            "file only slows a decoder down"
        )
    # Every block of luma takes at least a bit, or with arithmetic coding a small part of one.
    factors = [(layer[1], layer[2]) for layer in image.layer] or [(1, 1)]
    # Factors of 0 are refused by the decoder.
    share = [factors[0][axis] / max(1, *(factor[axis] for factor in factors)) for axis in (0, 1)]
    blocks = math.ceil(image.width * share[0] / 8) * math.ceil(image.height * share[1] / 8)
    if blocks > 8 * len(data) * (_BLOCKS_PER_BIT if layout.is_arithmetic else 1):
        raise _too_small(name, data, megapixels)


def _too_small(name: str, data: bytes, megapixels: float) -> UnreadableImageError:
    return UnreadableImageError(
        f"{name} is damaged and cannot be decoded: it ends early ({len(data):,} bytes cannot hold the"
        f" {megapixels:,.1f} megapixels that it claims)"
    )


def _identify(data: bytes, name: str) -> ImageFile:
    Image.init()
    kind_of_file = name_kind(data)
    refusal = f"{name} is {kind_of_file or 'not a picture in a known format (JPEG, PNG, WebP, TIFF, …)'}"
    # Formats with a signature are tried before those that accept any bytes.
    for kind, (factory, accept) in sorted(Image.OPEN.items(), key=lambda entry: entry[1][1] is None):
        if kind in _NOT_OPENED:
            continue
        accepted = False
        try:
            # Pillow returns a string instead of a boolean where it cannot read the format in this installation.
            verdict = accept is None or accept(data[:16])
            accepted = bool(verdict) and not isinstance(verdict, str)
            if accepted:
                return _refuse_raw(factory(io.BytesIO(data), ""), data, name)
        except UnreadableImageError:
            raise
        except Exception as error:  # Decoders raise any kind of exception for malformed data.
            if accept is not None and accepted and kind_of_file is None:
                refusal = _refusal(name, kind, error, data)
    raise UnreadableImageError(refusal)


def _refuse_raw(image: ImageFile, data: bytes, name: str) -> ImageFile:
    """Refuse camera raw files in the shape of TIFF (DNG, NEF, CR2, ARW, …), of which Pillow opens a thumbnail."""
    if isinstance(image, TiffImageFile) and is_camera_raw(data):
        raise UnreadableImageError(f"{name} is {RAW_FILE}")
    return image


def _refusal(name: str, kind: str, error: Exception, data: bytes) -> str:
    if bits := re.search(r"(\d+)-bit layers", str(error)):
        return f"{name} is a {kind} with {bits[1]} bits per channel, expected 8; convert it first"
    if isinstance(error, Image.DecompressionBombError):
        return f"{name} is a {kind} that claims to hold more megapixels than can be decoded safely"
    if kind == "TIFF" and (samples := describe_samples(data)):
        return f"{name} is a TIFF with {samples}, which is not read; save it as gray or RGB of 8 or 16 bits first"
    return f"{name} is a damaged {kind} or of a kind that cannot be read: {_reason(error)}"


def _reason(error: Exception) -> str:
    words = _OBJECT.sub("the data", " ".join(str(error).split()))[:200]
    if "truncated" in words.lower():
        return "it ends early"
    # Exceptions of other types, and wrapped ones, come from inside a decoder; their messages do not help users.
    is_finding = error.__cause__ is None and isinstance(error, OSError | SyntaxError | ValueError)
    return words if is_finding and words else "its data make no sense"


def check_depth(image: Image.Image) -> None:
    """Refuse pictures of more than 8 bits per channel: Pillow would clip or cut their samples without a word.

    Args:
        image: an opened picture, before its pixels are decoded.

    Raises:
        UnreadableImageError: if it has 16 bits per channel, or a mode that is neither gray, RGB, CMYK nor a palette.
    """
    kind = image.format or "picture"
    if image.mode.startswith("I;16") or has_deep_samples(image):
        raise UnreadableImageError(
            f"a {kind} with 16 bits per channel is not read here, because only 8 would be left; convert it to 8 bits "
            "per channel (`argan restore` restores 16)"
        )
    if image.mode not in _EIGHT_BIT_MODES:
        raise UnreadableImageError(
            f"a {kind} with pixels of mode {image.mode!r} is not read; convert it to 8 bits per channel, gray or RGB"
        )


def has_deep_samples(image: Image.Image) -> bool:
    """Whether a picture, not decoded yet, has more than 8 bits per channel that Pillow would cut without a warning."""
    if isinstance(image, TiffImageFile) and max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))) > 8:
        return True
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        # "BGR;16" are 16 bits per pixel.
        if any(isinstance(part, str) and ";16" in part and part != "BGR;16" for part in arguments):
            return True
        if isinstance(image, PpmImageFile) and isinstance(arguments[-1], int) and arguments[-1] > 255:
            return True
    return False


def load_pixels(image: Image.Image) -> None:
    """Decode all pixels of an opened picture.

    Raises:
        UnreadableImageError: if its data end early or are damaged.
    """
    name = Path(getattr(image, "filename", "") or "the picture").name
    try:
        image.load()
    except Exception as error:  # Decoders raise any kind of exception for malformed data.
        raise UnreadableImageError(f"{name} is damaged and cannot be decoded: {_reason(error)}") from error
