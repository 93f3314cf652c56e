"""The metadata of a picture: color profile, Exif, XMP, resolution, comments, PNG text, and what is no longer true.

`containers/` changes single statements of Exif and XMP. What a format can hold is decided in
`output_formats.py`.
"""

from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from .containers import Contents, not_kept, photoshop
from .containers import exif as exif_data
from .containers import xmp as xmp_data
from .containers.exif import ORIENTATION

IPTC_TEXT = "Raw profile type iptc"
"""Key of the text under which ImageMagick, exiftool and others put captions into PNG files."""

_IPTC_TEXTS = (IPTC_TEXT, "Raw profile type 8bim")
_XMP_TEXT = "XML:com.adobe.xmp"
_EXIF_TEXT = "Raw profile type exif"
IMAGE_DESCRIPTION = 0x010E
"""TIFF tag that holds the description of a picture, or else its comment."""

_KEPT = ("icc_profile", "exif", "xmp", "dpi", "comment", "gamma", "chromaticity", "srgb")
# Tags of a TIFF file that describe the picture, not its storage.
_DESCRIPTIVE = (
    *(0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298),
    # Stars, and title, comment, author, keywords and subject of Windows.
    *(0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),
)
_EXIF_DIRECTORY, _INTEROPERABILITY = 0x8769, 0xA005
_DIRECTORIES = (_EXIF_DIRECTORY, 0x8825)
# Descriptions by ImageJ and tifffile.
_OF_STORAGE = ("ImageJ=", '{"shape":')
_X_RESOLUTION = 0x011A
_LAST_OF_STORAGE, _PROFILE = 0x02BC, 0x8773
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def kept_info(image: Image.Image, contents: Contents | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Collect the metadata that are written with the restored picture, and free them of what is no longer true.

    Args:
        image: a decoded picture.
        contents: what its file holds besides; `None` for a Pillow picture.

    Returns:
        The metadata under Pillow's names ("icc_profile", "exif", …) and those of [`Contents.info`], and under "text"
        the texts of a PNG file; and sentences on what cannot be kept.
    """
    contents = contents or Contents()
    info = {key: image.info[key] for key in _KEPT if image.info.get(key) is not None}
    notes = not_kept(contents.extras)
    if not isinstance(info.get("exif", b""), bytes):  # A Pillow picture can hold anything.
        del info["exif"]
        notes += ("The Exif data are no bytes and were left out.",)
    if contents.bits is not None:
        notes += (f"The file has {contents.bits} bits per channel, of which 8 were read.",)
    if "icc_profile" in image.info and image.info["icc_profile"] is None:
        notes += ("The color profile is damaged and was left out.",)
    try:
        info |= _elsewhere(image)
    except Exception:  # Malformed tags can raise any kind of exception; the pixels are not affected.
        notes += ("The tags or texts that describe the picture are damaged and were left out.",)
    if _describes_storage(image):
        notes += (
            "The description was left out, because it is one of the pages and channels of the file (ImageJ, OME).",
        )
    info |= photoshop.kept_info(image.info.get("photoshop") or {}) | contents.info
    if "iptc" in info and (texts := info.get("text")):
        info["text"] = {key: text for key, text in texts.items() if key not in _IPTC_TEXTS}
    if not info.get("text", True):
        del info["text"]
    if isinstance(image, JpegImageFile) and "dpi" in info and not _states_density(image):
        del info["dpi"]
    xmp = info.pop("xmp", None)
    if isinstance(xmp, bytes) or contents.extended_xmp:
        xmp, more = _true_xmp(xmp or b"", contents.extended_xmp)
        notes += more
        if xmp:
            info["xmp"] = xmp
    return info, notes


def _states_density(image: JpegImageFile) -> bool:
    """Whether a JPEG file states a resolution: where Exif data state none, Pillow says 72."""
    if image.info.get("jfif_unit") in (1, 2):
        return True
    try:
        return _X_RESOLUTION in image.getexif()
    except Exception:  # The parser raises any kind of exception for malformed data.
        return False


def _true_xmp(xmp: bytes, extended: bytes) -> tuple[bytes, tuple[str, ...]]:
    """One packet of both, without claims on what the result does not hold; empty if nothing is left. And sentences."""
    notes: tuple[str, ...] = ()
    try:
        xmp = xmp_data.with_extended(xmp, extended) if xmp else extended
    except ValueError:
        notes += ("The extended part of the XMP is damaged and was left out.",)
    try:
        return xmp_data.without_claims(xmp), notes
    except ValueError:
        return b"", (*notes, "The XMP is damaged and was left out.")


def _elsewhere(image: Image.Image) -> dict[str, Any]:
    """Metadata that Pillow does not list in `info`: PNG texts, and the tags of TIFF files."""
    found: dict[str, Any] = {}
    texts = image.text if isinstance(image, PngImageFile) else {}
    if _XMP_TEXT in texts and "xmp" not in image.info:  # Pillow finds it in one of three kinds of texts.
        found["xmp"] = texts[_XMP_TEXT].encode("latin-1")
    if texts := {key: value for key, value in texts.items() if key != _XMP_TEXT}:
        found["text"] = texts
    is_tiff = isinstance(image, TiffImageFile)
    if "exif" not in image.info and (is_tiff or _EXIF_TEXT in image.info):
        exif = _descriptive_exif(image)
        if exif:
            found["exif"] = exif
            found.get("text", {}).pop(_EXIF_TEXT, None)
    return found


def _describes_storage(image: Image.Image) -> bool:
    """Whether the description in a TIFF file is one of its pages and channels, by which programs read its samples."""
    description = image.tag_v2.get(IMAGE_DESCRIPTION) if isinstance(image, TiffImageFile) else None
    if not isinstance(description, str):
        return False
    return description.startswith(_OF_STORAGE) or (description.startswith("<?xml") and "<OME" in description)


def _descriptive_exif(image: Image.Image) -> bytes:
    source, exif = image.getexif(), Image.Exif()
    # Pillow has turned the pixels of TIFF files.
    for tag in (*_DESCRIPTIVE, *(() if isinstance(image, TiffImageFile) else (ORIENTATION,))):
        if tag in source and not (tag == IMAGE_DESCRIPTION and _describes_storage(image)):
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
    if not exif_data.is_sound(exif):
        return None
    source, kept, as_read = Image.Exif(), Image.Exif(), Image.Exif()
    try:
        source.load(exif)
        for tag, value in source.items():
            if tag in _DIRECTORIES:
                kept[tag] = source.get_ifd(tag)
            elif tag in (*_DESCRIPTIVE, ORIENTATION) or (tag > _LAST_OF_STORAGE and tag != _PROFILE):
                kept[tag] = value
        # Pillow writes directories to a TIFF file only if it has parsed them, so the kept tags are parsed again.
        as_read.load(kept.tobytes())
        if _INTEROPERABILITY in (tags := as_read.get_ifd(_EXIF_DIRECTORY)):
            # Pillow copies only the place where this directory was.
            del tags[_INTEROPERABILITY]
            if exif_data.has_sound_interoperability(exif):
                tags[_INTEROPERABILITY] = dict(source.get_ifd(_INTEROPERABILITY))
    except Exception:  # The parser raises any kind of exception for malformed data.
        return None
    return as_read


def make_upright(
    image: Image.Image, samples: np.ndarray | None = None
) -> tuple[Image.Image, np.ndarray | None, tuple[str, ...]]:
    """Rotate and flip a picture as its Exif data say, or else its XMP, and make both true for the result.

    Args:
        image: with its metadata in `info`.
        samples: (H, W, C), the same picture with 16 bits per channel; `None`: there is none.

    Returns:
        The picture with orientation 1 (upright), its samples, and sentences on what was left out.
    """
    in_xmp = xmp_data.orientation_of(image.info.get("xmp", b""))
    orientation = exif_data.orientation_of(image.info.get("exif", b""))
    if orientation is None:
        orientation = in_xmp
    if orientation in _TRANSPOSITIONS:
        upright = image.transpose(_TRANSPOSITIONS[orientation])
    elif in_xmp in _TRANSPOSITIONS:
        # Exif data decide that the picture is upright; in formats without them, XMP would turn it.
        upright = image.copy()
    else:
        return image, samples, ()
    info: dict[str, Any] = {str(key): value for key, value in image.info.items()}
    info, notes = info_made_upright(info, orientation, upright.size)
    upright.info.clear()
    upright.info.update(info)
    return upright, None if samples is None else turned(samples, orientation), notes


def info_made_upright(
    info: dict[str, Any], orientation: int | None, size: tuple[int, int]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The metadata of a picture that was turned upright, or that is upright whatever its XMP says.

    Args:
        info: as [`kept_info`] gives them.
        orientation: that the picture had, 1..8, as Exif states it.
        size: (width, height) of the upright picture, in pixels.

    Returns:
        The metadata, and sentences on what was left out.
    """
    info, is_turned = dict(info), orientation in _TRANSPOSITIONS
    notes: tuple[str, ...] = ()
    if (exif := info.get("exif")) and is_turned:
        info["exif"] = exif_data.with_size(exif_data.made_upright(exif), size)
        if exif_data.thumbnail_size(exif):
            notes += ("The thumbnail in the Exif data was left out, because the picture was turned upright.",)
    if xmp := info.get("xmp"):
        kept = xmp
        try:
            kept = xmp_data.without_claims(xmp, turned=is_turned)
            if kept != xmp:
                notes += (
                    "What the XMP says on places in the picture (depth map, faces) was left out, because the picture "
                    "was turned upright.",
                )
        except ValueError:
            notes += ("The XMP is damaged. It may describe the picture as it was before it was turned upright.",)
        info["xmp"] = xmp_data.made_upright(kept, size)
    if is_turned and (resources := info.get("photoshop")):
        info["photoshop"] = photoshop.without_paths(resources)
        if info["photoshop"] != resources:
            notes += ("The clipping path was left out, because the picture was turned upright.",)
    if "dpi" in info and orientation is not None and 5 <= orientation <= 8:
        info["dpi"] = info["dpi"][::-1]
    return {key: value for key, value in info.items() if value not in (b"", {})}, notes


def turned(samples: np.ndarray, orientation: int | None) -> np.ndarray:
    """Samples (H, W, C) turned as [`Image.transpose`] turns a picture of this orientation."""
    if orientation not in _TRANSPOSITIONS:
        return samples
    if orientation >= 5:
        samples = samples.transpose(1, 0, 2)
    vertically, horizontally = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(samples[:: -1 if vertically else 1, :: -1 if horizontally else 1])
