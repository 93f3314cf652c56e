"""The metadata of a picture as arguments of Pillow's encoders, each of which wants them in another way."""

import struct
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .containers import exif as exif_data
from .containers import xmp as xmp_data
from .containers.of_jpeg import xmp_segments
from .containers.photoshop import IPTC, SEGMENT, Resource, encode_resources, encode_text
from .metadata import IMAGE_DESCRIPTION, IPTC_TEXT, tiff_tags

_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 0x02BC, 0x83BB, 0x8649
# Payload of a JPEG segment, without the name of XMP.
_MAX_JPEG_XMP = 65535 - 2 - 29
_EXIF = b"Exif\0\0"
_APP1, _APP13 = 0xE1, 0xED
_PART_SIZE = 65_000


def encoder_arguments(name: str, info: dict[str, Any]) -> dict[str, Any]:
    """What Pillow's encoder of a format gets.

    Args:
        name: of the format, as Pillow names it.
        info: metadata under the names of [`kept_info`], all of which the format can hold.

    Raises:
        ValueError: if XMP is too large for a JPEG file, or damaged where it has to be split.
    """
    if name == "PNG":
        kept = {key: info[key] for key in ("icc_profile", "exif", "dpi") if key in info}
        return kept | {"pnginfo": _png_chunks(info)}
    if name == "TIFF":
        return {key: info[key] for key in ("icc_profile", "dpi") if key in info} | {"exif": _tags(info)}
    if name == "AVIF" and exif_data.orientation_of(info.get("exif", b"")) == 1:
        # Pillow turns an orientation into a property of AVIF, and writes all other tags anew, at other places.
        return info | {"exif": exif_data.without_orientation(info["exif"])}
    return _jpeg_arguments(info) if name == "JPEG" else info


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
    if "iptc" in info:
        chunks.add_text(IPTC_TEXT, encode_text({IPTC: Resource(b"", info["iptc"])}), zip=True)
    texts = dict(info.get("text", {}))
    if "comment" in info:
        texts.setdefault("Comment", _text(info["comment"]))
    for key, text in texts.items():
        chunks.add_text(key, text)
    return chunks


def _tags(info: dict[str, Any]) -> Image.Exif:
    exif = tiff_tags(info.get("exif", b"")) or Image.Exif()
    if "xmp" in info:
        exif[_XMP_TAG] = info["xmp"]
    if "comment" in info and IMAGE_DESCRIPTION not in exif:
        exif[IMAGE_DESCRIPTION] = _text(info["comment"])
    if "iptc" in info:
        exif[_IPTC_TAG] = info["iptc"]
    if resources := _resources(info):
        exif[_PHOTOSHOP_TAG] = encode_resources(resources)
    return exif


def _jpeg_arguments(info: dict[str, Any]) -> dict[str, Any]:
    """The same for JPEG, whose segments hold 64 KiB each: XMP is split, as Adobe does it."""
    arguments = {key: value for key, value in info.items() if key not in ("iptc", "photoshop")}
    # Other formats store Exif data without this name.
    if "exif" in info and not info["exif"].startswith(_EXIF):
        arguments["exif"] = _EXIF + info["exif"]
    segments = []
    if len(info.get("xmp", b"")) > _MAX_JPEG_XMP:
        main, extended = xmp_data.split(arguments.pop("xmp"), _MAX_JPEG_XMP)
        # Both here, so that the main packet comes first.
        segments += [(_APP1, payload) for payload in xmp_segments(main, extended, xmp_data.name_of_extended(extended))]
    if resources := _resources(info):
        data = encode_resources(resources)
        segments += [(_APP13, SEGMENT + data[at : at + _PART_SIZE]) for at in range(0, len(data), _PART_SIZE)]
    if segments:
        arguments["extra"] = b"".join(
            struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments
        )
    return arguments


def _resources(info: dict[str, Any]) -> dict[int, Resource]:
    """Captions and what else Photoshop stores, together."""
    return ({IPTC: Resource(b"", info["iptc"])} if "iptc" in info else {}) | dict(info.get("photoshop", {}))


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
