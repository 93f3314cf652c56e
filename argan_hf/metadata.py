"""What travels with the pixels of a picture: color profile, Exif, XMP, resolution, comments, PNG text.

Exif is patched in place and never written anew where that can be avoided: offsets inside maker notes, thumbnails and
tags that nobody here knows then survive.
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
# The tags of a TIFF file that describe the picture and not how it is stored.
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
    """What shall be put back later, under Pillow's own names, and "text" for the texts of a PNG file.

    Args:
        image: a decoded picture.

    Returns:
        The information, and sentences on what cannot be kept.
    """
    info = {key: image.info[key] for key in _KEPT if key in image.info}
    notes = []
    try:
        info |= _elsewhere(image)
    except Exception:  # Whatever hostile tags and texts make the parser raise, the pixels are fine.
        notes.append("The tags or texts that describe the picture are damaged and were left out.")
    # 0x0404 is where Photoshop keeps IPTC captions and credits.
    if 0x0404 in (image.info.get("photoshop") or ()):
        notes.append("IPTC data (captions, credits) are not carried over.")
    return info, tuple(notes)


def _elsewhere(image: Image.Image) -> dict[str, Any]:
    """What some formats keep where Pillow's `info` does not show it."""
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
    """The tags of Exif data that a TIFF file may take over, or `None` if they are damaged.

    Cameras also state there how the file was stored (size, photometry, sampling), which is no longer true.
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
            # Pillow writes directories into a TIFF file only if it has read them itself.
            as_read.load(kept.tobytes())
    except Exception:  # The parser fails on hostile bytes in any way it likes.
        return None
    return as_read


def make_upright(image: Image.Image) -> Image.Image:
    """Apply the orientation of the Exif data of a picture, and say in them that it was applied."""
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
    """Where the first directory of Exif data holds the orientation, and in which byte order."""
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
