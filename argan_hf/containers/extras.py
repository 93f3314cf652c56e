"""What a file holds besides one picture: the record of it, and the words."""

from dataclasses import dataclass, field
from typing import Any

GAIN_MAP = "gain map (extra brightness for HDR screens)"
VIDEO = "video"
PICTURE = "another picture"
PROVENANCE = "proof of origin (C2PA)"
CLIPPING_PATH = "clipping path"
CAPTIONS = "captions and credits (IPTC)"
COPYRIGHT = "copyright flag and web address (Photoshop)"
THUMBNAIL = "thumbnail"
EXIF_THUMBNAIL = "thumbnail in the Exif data"
EXTENDED_XMP = "extended XMP"
DAMAGED_EXTENDED_XMP = "part of the XMP that is damaged or does not belong to it"
COMMENT = "comment"
LAYERS = "layers of Photoshop"
CHANNELS = "further channels (saved selections, spot colors)"
PLACE = "place on a map (GeoTIFF)"
UNKNOWN = "unknown data"

# Why some are never kept, where that is not plain.
_REASONS = {
    GAIN_MAP: "A gain map fits only the pixels as they were; HDR screens show the result like an ordinary picture.",
    PROVENANCE: "A proof of origin is a signature of the file as it was; it is not valid after any change.",
}


@dataclass(frozen=True)
class Extra:
    """Something in a file besides the picture.

    Attributes:
        kind: in words that fit after "a file with", such as [`VIDEO`].
        size: in bytes; 0 if it is not known.
        key: under which metadata hold it, so that formats that can hold it get it; `None`: it is never kept.
    """

    kind: str
    size: int
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}, {_in_words(self.size)}" if self.size else self.kind

    def to_dict(self) -> dict[str, Any]:
        """The record as a dictionary of JSON values."""
        return {"kind": self.kind, "bytes": self.size, "kept": self.key is not None}


@dataclass(frozen=True)
class Contents:
    """What a file holds besides one picture.

    Attributes:
        extras: in the order of the file.
        info: those that can be written to other files and that Pillow does not list, under its names where it has one:
            "icc_profile", "comment" (bytes), "iptc" (bytes), "photoshop" (dictionary of resources), and "cicp", "mdcv",
            "clli" (bytes) after the chunks of PNG.
        extended_xmp: the extended packet of XMP, bytes; empty if there is none.
        bits: per channel, where Pillow reads fewer and tells nobody; `None`: it reads all, or says so.
    """

    extras: tuple[Extra, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    extended_xmp: bytes = b""
    bits: int | None = None


def not_kept(extras: tuple[Extra, ...]) -> tuple[str, ...]:
    """Sentences on what no format of results gets: one on all together, and one for every reason."""
    kinds: dict[str, list[int]] = {}
    for extra in extras:
        if extra.key is None:
            kinds.setdefault(extra.kind, []).append(extra.size)
    if not kinds:
        return ()
    listed = (
        str(Extra(kind, sum(sizes))) + (f" in {len(sizes)} parts" if sizes[1:] else "") for kind, sizes in kinds.items()
    )
    return (f"Not carried over: {'; '.join(listed)}.", *(_REASONS[kind] for kind in kinds if kind in _REASONS))


def _in_words(size: int) -> str:
    if size < 10_000:
        return f"{size:,} bytes"
    return f"{size / 1000:,.0f} kB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
