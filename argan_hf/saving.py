"""Writes pictures with all the metadata that the format can hold. If writing fails, no incomplete file is left.

PNG, TIFF and WebP are written losslessly: lossy WebP would subsample the chroma and add block artifacts again. JPEG and
AVIF are lossy; a note says so. Metadata never cost the picture: what cannot be written, or could not be read again, is
left out and named.
"""

import io
import os
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from .containers import xmp as xmp_data
from .containers.exif import thumbnail_size
from .containers.of_jpeg import encode_resources, photoshop_segment, xmp_segments
from .containers.opening import open_image
from .containers.png_chunks import with_chunks
from .metadata import tiff_tags
from .sixteen_bits import encode_png, encode_tiff

_IMAGE_DESCRIPTION, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 0x010E, 0x02BC, 0x83BB, 0x8649
_IPTC = 0x0404
# Payload of a JPEG segment, without the name of XMP.
_MAX_JPEG_XMP = 65535 - 2 - 29
_EXIF = b"Exif\0\0"
_APP1, _APP13 = 0xE1, 0xED


@dataclass(frozen=True)
class _Format:
    """A format that can be written.

    Attributes:
        name: as Pillow names it.
        carries: the metadata that it holds, under Pillow's names.
        options: for Pillow's encoder.
        cmyk, alpha, deep: whether it holds CMYK channels, transparency, or 16 bits per channel.
        lossy: whether it changes the pixels.
        max_side: the largest width and height, in pixels.
    """

    name: str
    carries: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    cmyk: bool = False
    alpha: bool = True
    deep: bool = False
    lossy: bool = False
    max_side: int = 2**31 - 1


_PNG = _Format(
    "PNG",
    (
        *("icc_profile", "exif", "xmp", "dpi", "comment", "text", "gamma", "chromaticity", "srgb"),
        *("cicp", "mdcv", "clli"),
    ),
    deep=True,
)
# Not compressed: Pillow writes compressed TIFF files with libtiff, which drops the Exif directories.
_TIFF = _Format("TIFF", ("icc_profile", "exif", "xmp", "dpi", "comment", "photoshop"), cmyk=True, deep=True)
_WEBP = _Format("WEBP", ("icc_profile", "exif", "xmp"), {"lossless": True, "exact": True}, max_side=16383)
_AVIF = _Format(
    "AVIF", ("icc_profile", "exif", "xmp"), {"quality": 90, "subsampling": "4:4:4"}, lossy=True, max_side=65535
)
_JPEG = _Format(
    "JPEG",
    ("icc_profile", "exif", "xmp", "dpi", "comment", "photoshop"),
    {"quality": 95, "subsampling": "4:4:4", "optimize": True},
    cmyk=True,
    alpha=False,
    lossy=True,
    max_side=65500,
)
_COLOR_CHUNKS = ((b"cICP", "cicp"), (b"mDCV", "mdcv"), (b"cLLI", "clli"))
_FORMATS = {
    ".png": _PNG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": _AVIF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
}
_WORDS = {
    "icc_profile": "color profile",
    "exif": "Exif data",
    "xmp": "XMP",
    "dpi": "resolution",
    "comment": "comment",
    "text": "texts",
    "gamma": "gamma",
    "chromaticity": "chromaticity",
    "cicp": "color description (cICP), so that colors can look different",
    "mdcv": "data on the display for which it was made",
    "clli": "data on its light levels",
    "photoshop": "captions (IPTC) and paths",
}


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


def encode_picture(image: Image.Image, suffix: str, samples: np.ndarray | None = None) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture to the bytes of a file.

    Args:
        image: mode "L", "LA", "RGB", "RGBA" or "CMYK", with its metadata in `info`.
        suffix: ".png", ".tif", ".tiff", ".webp", ".avif", ".jpg" or ".jpeg".
        samples: uint16 (H, W, 1..4), the same picture with 16 bits per channel; `None`: it has 8.

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
    if samples is not None and not chosen.deep:
        notes.append(f"{chosen.name} holds 8 bits per channel here, the picture has 16; .png and .tiff keep them.")
    info, more_notes = _writable_info(image, chosen)
    notes += more_notes
    if chosen.lossy:
        notes.append(f"{chosen.name} is lossy (written at quality {chosen.options['quality']}); .png is lossless.")
    return _encode(image, chosen, info, samples if chosen.deep else None), tuple(notes)


def _encode(image: Image.Image, chosen: _Format, info: dict[str, Any], samples: np.ndarray | None = None) -> bytes:
    arguments = chosen.options | _arguments(chosen.name, info)
    if samples is not None and chosen is _TIFF:
        return encode_tiff(samples, arguments)
    bare = image.copy() if samples is None else image.resize((1, 1), Image.Resampling.NEAREST)
    # Encoders would also write what they find in `info`.
    bare.info = {}
    buffer = io.BytesIO()
    try:
        bare.save(buffer, chosen.name, **arguments)
    except (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, struct.error) as error:
        raise OSError(f"{chosen.name} cannot be written: {error}") from error
    data = buffer.getvalue()
    # Pillow writes only chunks that it knows.
    if chosen is _PNG and (colors := [(kind, info[key]) for kind, key in _COLOR_CHUNKS if key in info]):
        data = with_chunks(data, colors)
    return data if samples is None else encode_png(samples, data)


def _writable_info(image: Image.Image, chosen: _Format) -> tuple[dict[str, Any], list[str]]:
    """The metadata of a picture that can be written to a format, and sentences on the others."""
    kept, left_out, damaged = {}, [], []
    sample = image.resize((1, 1), Image.Resampling.NEAREST)
    for key, word in (*_WORDS.items(), ("srgb", "sRGB mark")):
        if key not in image.info:
            continue
        value = image.info[key]
        if key not in chosen.carries:
            left_out += [] if key == "srgb" else [word]
        elif key == "icc_profile" and not _profile_fits(value, image.mode, chosen):
            left_out.append(f"color profile for {value[16:20].decode('latin-1').strip()} pixels")
        elif _is_readable(sample, chosen, {key: value}):
            kept[key] = value
        else:
            damaged.append(word)
    notes = [f"{chosen.name} does not hold everything: {', '.join(left_out)} left out."] if left_out else []
    # For these two, Exif data are written anew.
    if chosen in (_TIFF, _AVIF) and thumbnail_size(kept.get("exif", b"")):
        notes.append(f"{chosen.name} does not hold the thumbnail in the Exif data, which was left out.")
    if damaged:
        notes.append(
            f"Left out, because {chosen.name} cannot hold it, it is too large, or it is damaged: {', '.join(damaged)}."
        )
    return kept, notes


def _is_readable(sample: Image.Image, chosen: _Format, info: dict[str, Any]) -> bool:
    """Whether metadata can be written to a format, and the file can be opened again, tried with a single pixel."""
    # Both encoders read the tags.
    if chosen in (_TIFF, _AVIF) and "exif" in info and tiff_tags(info["exif"]) is None:
        return False
    try:
        data = _encode(sample, chosen, info)
        open_image(data)
        with Image.open(io.BytesIO(data)) as written:
            found = written.info.get("dpi", (0, 0))
        # Encoders cut large densities to what fits, without a word.
        return all(abs(float(a) - float(b)) < 1 for a, b in zip(found, info.get("dpi", found), strict=True))
    except Exception:  # Encoders and decoders raise any kind of exception for malformed metadata.
        return False


def _profile_fits(profile: bytes, mode: str, chosen: _Format) -> bool:
    """Whether a color profile is one of such pixels: libpng drops others, and some programs refuse such files."""
    if chosen is not _PNG:
        return True
    space = profile[16:20]
    return space == b"GRAY" if mode in ("L", "LA") else space not in (b"GRAY", b"CMYK")


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
        if resources := info.get("photoshop"):
            exif[_PHOTOSHOP_TAG] = encode_resources(resources)
            if _IPTC in resources:
                exif[_IPTC_TAG] = resources[_IPTC]
        return {key: info[key] for key in ("icc_profile", "dpi") if key in info} | {"exif": exif}
    return _jpeg_arguments(info) if name == "JPEG" else info


def _jpeg_arguments(info: dict[str, Any]) -> dict[str, Any]:
    """The same for JPEG, whose segments hold 64 KiB each: XMP is split, as Adobe does it."""
    arguments = {key: value for key, value in info.items() if key != "photoshop"}
    # Other formats store Exif data without this name.
    if "exif" in info and not info["exif"].startswith(_EXIF):
        arguments["exif"] = _EXIF + info["exif"]
    segments = []
    if len(info.get("xmp", b"")) > _MAX_JPEG_XMP:
        main, extended = xmp_data.split(arguments.pop("xmp"), _MAX_JPEG_XMP)
        # Both here, so that the main packet comes first.
        segments += [(_APP1, payload) for payload in xmp_segments(main, extended, xmp_data.name_of_extended(extended))]
    if resources := info.get("photoshop"):
        segments.append((_APP13, photoshop_segment(resources)))
    if segments:
        arguments["extra"] = b"".join(
            struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments
        )
    return arguments


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


def save_picture(image: Image.Image, path: Path, samples: np.ndarray | None = None) -> tuple[str, ...]:
    """Write a picture in the format of the suffix; if writing fails, no incomplete file is left.

    Args:
        image, samples: as for [`encode_picture`].
        path: of the file.

    Returns:
        Sentences on what the format cannot hold.

    Raises:
        ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
        OSError: if the file cannot be written.
    """
    data, notes = encode_picture(image, path.suffix, samples)
    write_whole(data, path)
    return notes


def write_whole(data: bytes, path: Path) -> None:
    """Write a file under another name and rename it when it is complete.

    If the process is killed while it writes, only a hidden file that ends in ".part" remains.

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
