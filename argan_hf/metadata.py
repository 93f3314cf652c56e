"""The metadata of a picture: color profile, Exif, XMP, resolution, comments, PNG text.

Where possible, Exif data are changed in place and not written anew. This keeps thumbnails, unknown tags, and the
offsets inside maker notes valid.
"""

import re
import struct
import warnings
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

_KEPT = ("icc_profile", "exif", "xmp", "dpi", "comment", "gamma", "chromaticity", "srgb")
_ORIENTATION = 0x0112
_SHORT = 3
# Tags of a TIFF file that describe the picture, not its storage.
_DESCRIPTIVE = (0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298)
_DIRECTORIES = (0x8769, 0x8825)
_LAST_OF_STORAGE, _PROFILE = 0x02BC, 0x8773
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:>|=["']))[2-8]""")
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def kept_info(image: Image.Image) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Collect the metadata that are written with the restored picture.

    Args:
        image: a decoded picture.

    Returns:
        The metadata under Pillow's names ("icc_profile", "exif", …), and under "text" the texts of a PNG file; and
        sentences on what cannot be kept.
    """
    info = {key: image.info[key] for key in _KEPT if key in image.info}
    notes = []
    try:
        info |= _elsewhere(image)
    except Exception:  # Malformed tags can raise any kind of exception; the pixels are not affected.
        notes.append("The tags or texts that describe the picture are damaged and were left out.")
    # Photoshop stores IPTC captions and credits under 0x0404.
    if 0x0404 in (image.info.get("photoshop") or ()):
        notes.append("IPTC data (captions, credits) are not carried over.")
    return info, tuple(notes)


def _elsewhere(image: Image.Image) -> dict[str, Any]:
    """Metadata that Pillow does not list in `info`: PNG texts, and the tags of TIFF files."""
    found: dict[str, Any] = {}
    texts = image.text if isinstance(image, PngImageFile) else {}
    if texts := {key: value for key, value in texts.items() if key != "XML:com.adobe.xmp"}:
        found["text"] = texts
    is_tiff = isinstance(image, TiffImageFile)
    if "exif" not in image.info and (is_tiff or "Raw profile type exif" in image.info):
        exif = _descriptive_exif(image)
        if exif:
            found["exif"] = exif
    return found


def _descriptive_exif(image: Image.Image) -> bytes:
    source, exif = image.getexif(), Image.Exif()
    for tag in _DESCRIPTIVE:
        if tag in source:
            exif[tag] = source[tag]
    for directory in _DIRECTORIES:
        if tags := source.get_ifd(directory):
            exif.get_ifd(directory).update(tags)
            exif[directory] = exif.get_ifd(directory)
    return exif.tobytes() if len(exif) else b""


def tiff_tags(exif: bytes) -> Image.Exif | None:
    """The tags of Exif data that can be written to a TIFF file, or `None` if the data are damaged.

    Tags on the storage of the file (size, photometry, sampling) are left out, because they describe the source file and
    not the one that is written.
    """
    source, kept, as_read = Image.Exif(), Image.Exif(), Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            source.load(exif)
            for tag, value in source.items():
                if tag in _DIRECTORIES:
                    kept[tag] = source.get_ifd(tag)
                elif tag in (*_DESCRIPTIVE, _ORIENTATION) or (tag > _LAST_OF_STORAGE and tag != _PROFILE):
                    kept[tag] = value
            # Pillow writes directories to a TIFF file only if it has parsed them, so the kept tags are parsed again.
            as_read.load(kept.tobytes())
    except Exception:  # The parser raises any kind of exception for malformed data.
        return None
    return as_read


def make_upright(image: Image.Image) -> Image.Image:
    """Rotate and flip a picture as its Exif orientation says, and set the orientation to 1 (upright)."""
    exif = image.info.get("exif", b"")
    field = _orientation_field(exif)
    if field is None:
        return image
    position, order = field
    (orientation,) = struct.unpack_from(f"{order}H", exif, position)
    if orientation not in _TRANSPOSITIONS:
        return image
    info = dict(image.info)
    info["exif"] = exif[:position] + struct.pack(f"{order}H", 1) + exif[position + 2 :]
    if isinstance(xmp := info.get("xmp"), bytes):
        info["xmp"] = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    if "dpi" in info and orientation >= 5:
        info["dpi"] = info["dpi"][::-1]
    upright = image.transpose(_TRANSPOSITIONS[orientation])
    upright.info.update(info)
    return upright


def _orientation_field(exif: bytes) -> tuple[int, str] | None:
    """Position of the orientation in the first directory of Exif data, and "<" or ">", their byte order."""
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None or len(exif) < start + 8:
        return None
    directory = start + int(struct.unpack_from(f"{order}L", exif, start + 4)[0])
    if directory + 2 > len(exif):
        return None
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(exif) - 11), 12):
        if struct.unpack_from(f"{order}HHL", exif, entry) == (_ORIENTATION, _SHORT, 1):
            return entry + 8, order
    return None
