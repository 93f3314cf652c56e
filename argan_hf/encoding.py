"""Encodes pictures with all the metadata that a format can hold, and says what it cannot.

Metadata never cost the picture: what cannot be written, or could not be read again, is left out and named.
"""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from .cmyk import cmyk_to_rgb
from .containers.exif import orientation_of, thumbnail_size
from .containers.opening import open_image
from .encoder_arguments import encoder_arguments
from .metadata import IMAGE_DESCRIPTION, tiff_tags
from .output_formats import AVIF, PNG, TIFF, OutputFormat, output_format
from .png_compression import compress_png
from .sixteen_bits import encode_png, encode_tiff

_COLOR_CHUNKS = ((b"cICP", "cicp"), (b"mDCV", "mdcv"), (b"cLLI", "clli"))
_WORDS = {
    "icc_profile": "color profile",
    "exif": "Exif data",
    "xmp": "XMP",
    "dpi": "resolution",
    "comment": "comment",
    "iptc": "captions and credits (IPTC)",
    "photoshop": "data of Photoshop (clipping paths, copyright flag)",
    "text": "texts",
    "gamma": "gamma",
    "chromaticity": "chromaticity",
    "cicp": "color description (cICP)",
    "mdcv": "display for which it was made (mDCV)",
    "clli": "light levels (cLLI)",
}
# Without these, pixels mean other colors.
_COLOR_KEYS = ("icc_profile", "gamma", "chromaticity", "cicp")


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
    chosen = output_format(suffix)
    if max(image.size) > chosen.max_side:
        raise ValueError(
            f"{chosen.title} holds at most {chosen.max_side} pixels a side, found {max(image.size)}; write .png"
        )
    if image.has_transparency_data and not chosen.alpha:
        raise ValueError(f"{chosen.title} holds no transparency; write .png")
    notes = []
    if image.mode == "CMYK" and not chosen.cmyk:
        image = cmyk_to_rgb(image)
        notes.append(f"{chosen.title} cannot hold CMYK, which was converted to RGB; .tiff keeps it.")
    if samples is not None and not chosen.deep:
        notes.append(
            f"The picture has 16 bits per channel; {chosen.title} files are written with 8. .png and .tiff keep 16."
        )
    info, more_notes = _writable_info(image, chosen)
    notes += more_notes
    if chosen.lossy:
        notes.append(f"{chosen.title} is lossy (written at quality {chosen.options['quality']}); .png is lossless.")
    return _encode(image, chosen, info, samples if chosen.deep else None), tuple(notes)


def _encode(image: Image.Image, chosen: OutputFormat, info: dict[str, Any], samples: np.ndarray | None = None) -> bytes:
    bare = image.copy() if samples is None else image.resize((1, 1), Image.Resampling.NEAREST)
    # Encoders would also write what they find in `info`.
    bare.info = {}
    buffer = io.BytesIO()
    try:
        arguments = chosen.options | encoder_arguments(chosen.name, info)
        if samples is not None and chosen is TIFF:
            return encode_tiff(samples, arguments)
        _save(bare, buffer, chosen.name, arguments)
    except (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, struct.error) as error:
        raise OSError(f"{chosen.title} cannot be written: {error}") from error
    if chosen is not PNG:
        return buffer.getvalue()
    # Pillow writes only chunks that it knows.
    colors = [(kind, info[key]) for kind, key in _COLOR_CHUNKS if key in info]
    return compress_png(buffer if samples is None else encode_png(samples, buffer.getvalue()), colors)


def _save(image: Image.Image, buffer: io.BytesIO, name: str, arguments: dict[str, Any]) -> None:
    try:
        image.save(buffer, name, **arguments)
    except OSError:
        if not arguments.get("optimize"):
            raise
        # To optimize, Pillow's encoder must hold the whole file, in less room than that of noise takes.
        buffer.seek(0)
        buffer.truncate()
        image.save(buffer, name, **arguments | {"optimize": False})


def _writable_info(image: Image.Image, chosen: OutputFormat) -> tuple[dict[str, Any], list[str]]:
    """The metadata of a picture that can be written to a format, and sentences on the others."""
    kept: dict[str, Any] = {key: image.info[key] for key in ("srgb",) if key in image.info and key in chosen.carries}
    foreign, damaged, notes = [], [], []
    sample = image.resize((1, 1), Image.Resampling.NEAREST)
    for key in (key for key in _WORDS if key in image.info):
        value = image.info[key]
        if key not in chosen.carries:
            foreign.append(key)
        elif key == "icc_profile" and not _profile_fits(value, image.mode, chosen):
            pixels = "gray" if image.mode in ("L", "LA") else image.mode[:3]
            notes.append(
                f"The color profile was left out: it is not one for {pixels} pixels, as {chosen.title} wants it."
            )
        elif _is_readable(sample, chosen, {key: value}):
            kept[key] = value
        else:
            damaged.append(key)
    if chosen is TIFF and {"comment", "exif"} <= kept.keys() and IMAGE_DESCRIPTION in (tiff_tags(kept["exif"]) or {}):
        # The description has its place.
        del kept["comment"]
        foreign.append("comment")
    if foreign:
        notes.append(f"Left out of the {chosen.title} file: {_listed(foreign)}.")
    if damaged:
        notes.append(f"Left out, because it is damaged, or too large for {chosen.title}: {_listed(damaged)}.")
    if any(key in _COLOR_KEYS for key in foreign + damaged) and "icc_profile" not in kept:
        notes.append(f"Colors of the {chosen.title} file can look different, because what describes them was left out.")
    # TIFF, and AVIF with an orientation, get Exif data that are written anew.
    exif = kept.get("exif", b"")
    if (chosen is TIFF or (chosen is AVIF and orientation_of(exif) not in (None, 1))) and thumbnail_size(exif):
        notes.append(f"Left out of the {chosen.title} file: thumbnail in the Exif data.")
    return kept, notes


def _listed(keys: list[str]) -> str:
    return ", ".join(_WORDS[key] for key in keys)


def _is_readable(sample: Image.Image, chosen: OutputFormat, info: dict[str, Any]) -> bool:
    """Whether metadata can be written to a format, and the file can be opened again, tried with a single pixel."""
    # Both encoders read the tags.
    if chosen in (TIFF, AVIF) and "exif" in info and tiff_tags(info["exif"]) is None:
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


def _profile_fits(profile: bytes, mode: str, chosen: OutputFormat) -> bool:
    """Whether a color profile is one of such pixels: libpng drops others, and some programs refuse such files."""
    if chosen is not PNG:
        return True
    space = profile[16:20]
    return space == b"GRAY" if mode in ("L", "LA") else space not in (b"GRAY", b"CMYK")
