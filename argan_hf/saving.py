"""Writes pictures with all the metadata that the format can hold. If writing fails, no incomplete file is left.

PNG, TIFF and WebP are written losslessly: lossy WebP would subsample the chroma and add block artifacts again. JPEG and
AVIF are lossy; a note says so.
"""

import io
import os
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from .metadata import tiff_tags

_IMAGE_DESCRIPTION, _XMP_TAG = 0x010E, 0x02BC


@dataclass(frozen=True)
class _Format:
    """A format that can be written.

    Attributes:
        name: as Pillow names it.
        carries: the metadata that it holds, under Pillow's names.
        options: for Pillow's encoder.
        cmyk, alpha: whether it holds CMYK channels, or transparency.
        lossy: whether it changes the pixels.
        max_side: the largest width and height, in pixels.
    """

    name: str
    carries: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    cmyk: bool = False
    alpha: bool = True
    lossy: bool = False
    max_side: int = 2**31 - 1


_PNG = _Format("PNG", ("icc_profile", "exif", "xmp", "dpi", "comment", "text", "gamma", "chromaticity", "srgb"))
# Not compressed: Pillow writes compressed TIFF files with libtiff, which drops the Exif directories.
_TIFF = _Format("TIFF", ("icc_profile", "exif", "xmp", "dpi", "comment"), cmyk=True)
_WEBP = _Format("WEBP", ("icc_profile", "exif", "xmp"), {"lossless": True, "exact": True}, max_side=16383)
_AVIF = _Format(
    "AVIF", ("icc_profile", "exif", "xmp"), {"quality": 90, "subsampling": "4:4:4"}, lossy=True, max_side=65535
)
_JPEG = _Format(
    "JPEG",
    ("icc_profile", "exif", "xmp", "dpi", "comment"),
    {"quality": 95, "subsampling": "4:4:4", "optimize": True},
    cmyk=True,
    alpha=False,
    lossy=True,
    max_side=65500,
)
_FORMATS = {
    ".png": _PNG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": _AVIF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
}
_WORDS = {"dpi": "resolution", "comment": "comment", "text": "texts", "gamma": "gamma", "chromaticity": "chromaticity"}


def check_suffix(suffix: str) -> None:
    """Check that a suffix names a format that can be written.

    Raises:
        ValueError: if it does not; the message names the valid suffixes.
    """
    if suffix.lower() not in _FORMATS:
        raise ValueError(f"{suffix or 'no suffix'} is no picture format to write; use one of {', '.join(_FORMATS)}")
    name = _FORMATS[suffix.lower()].name
    if name not in Image.SAVE:
        Image.init()
        if name not in Image.SAVE:
            raise ValueError(f"the installed Pillow cannot write {name}; use .png")


def encode_picture(image: Image.Image, suffix: str) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture to the bytes of a file.

    Args:
        image: mode "L", "LA", "RGB", "RGBA" or "CMYK", with its metadata in `info`.
        suffix: ".png", ".tif", ".tiff", ".webp", ".avif", ".jpg" or ".jpeg".

    Returns:
        The bytes, and sentences on what the format cannot hold.

    Raises:
        ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
        OSError: if the encoder fails.
    """
    check_suffix(suffix)
    chosen = _FORMATS[suffix.lower()]
    if max(image.size) > chosen.max_side:
        raise ValueError(
            f"{chosen.name} holds at most {chosen.max_side} pixels a side, found {max(image.size)}; write .png"
        )
    if image.has_transparency_data and not chosen.alpha:
        raise ValueError(f"{chosen.name} holds no transparency; write .png")
    notes = []
    if image.mode == "CMYK" and not chosen.cmyk:
        image = cmyk_to_rgb(image)
        notes.append(f"{chosen.name} cannot hold CMYK, which was converted to RGB; .tiff keeps it.")
    info = {key: image.info[key] for key in chosen.carries if key in image.info}
    if "exif" in info and chosen.name in ("AVIF", "TIFF") and tiff_tags(info["exif"]) is None:
        del info["exif"]
        notes.append("The Exif data are damaged and were left out.")
    if left_out := [word for key, word in _WORDS.items() if key in image.info and key not in chosen.carries]:
        notes.append(f"{chosen.name} does not hold everything: {', '.join(left_out)} left out.")
    if chosen.lossy:
        notes.append(f"{chosen.name} is lossy (written at quality {chosen.options['quality']}); .png is lossless.")
    bare = image.copy()
    # Encoders would also write what they find in `info`.
    bare.info = {}
    buffer = io.BytesIO()
    try:
        bare.save(buffer, chosen.name, **chosen.options, **_arguments(chosen.name, info))
    except (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, struct.error) as error:
        # Malformed tags that decoders accept can still make an encoder fail.
        raise OSError(f"{chosen.name} cannot be written with the metadata of the picture: {error}") from error
    return buffer.getvalue(), tuple(notes)


def _arguments(name: str, info: dict[str, Any]) -> dict[str, Any]:
    """The metadata as arguments of Pillow's encoders."""
    if name == "PNG":
        kept = {key: info[key] for key in ("icc_profile", "exif", "dpi") if key in info}
        return kept | {"pnginfo": _png_chunks(info)}
    if name == "TIFF":
        exif = tiff_tags(info.get("exif", b"")) or Image.Exif()
        if "xmp" in info:
            exif[_XMP_TAG] = info["xmp"]
        if "comment" in info and _IMAGE_DESCRIPTION not in exif:
            exif[_IMAGE_DESCRIPTION] = _text(info["comment"])
        return {key: info[key] for key in ("icc_profile", "dpi") if key in info} | {"exif": exif}
    return info


def _png_chunks(info: dict[str, Any]) -> PngInfo:
    chunks = PngInfo()
    if "gamma" in info:
        chunks.add(b"gAMA", struct.pack(">L", round(info["gamma"] * 100_000)))
    if "chromaticity" in info:
        chunks.add(b"cHRM", struct.pack(">8L", *(round(value * 100_000) for value in info["chromaticity"])))
    # Beside a color profile, which says more, Pillow leaves it out, as the PNG standard asks.
    if "srgb" in info:
        chunks.add(b"sRGB", struct.pack("B", info["srgb"]))
    if "xmp" in info:
        chunks.add_itxt("XML:com.adobe.xmp", _text(info["xmp"]))
    texts = dict(info.get("text", {}))
    if "comment" in info:
        texts.setdefault("Comment", _text(info["comment"]))
    for key, text in texts.items():
        chunks.add_text(key, text)
    return chunks


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """Convert a CMYK picture to RGB: to sRGB by its color profile, or, without a valid one, by Pillow's simple rule.

    The profile is dropped from the result, because it describes CMYK values.
    """
    info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    converted: Image.Image | None = None
    if profile := image.info.get("icc_profile"):
        try:
            converted = ImageCms.profileToProfile(
                image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            # The profile is damaged, or is not one of CMYK.
            converted = None
    if converted is None:
        converted = image.convert("RGB")
    converted.info = info
    return converted


def save_picture(image: Image.Image, path: Path) -> tuple[str, ...]:
    """Write a picture in the format of the suffix; if writing fails, no incomplete file is left.

    If the process is killed while it writes, only a hidden file that ends in ".part" remains.

    Returns:
        Sentences on what the format cannot hold.

    Raises:
        ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
        OSError: if the file cannot be written.
    """
    data, notes = encode_picture(image, path.suffix)
    write_whole(data, path)
    return notes


def write_whole(data: bytes, path: Path) -> None:
    """Write a file under another name and rename it when it is complete.

    Raises:
        OSError: if the file cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".argan-", suffix=".part")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
