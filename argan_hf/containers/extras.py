"""What a file holds besides one picture: the record of it, and the words."""

from dataclasses import dataclass, field
from typing import Any

GAIN_MAP = "gain map (the extra brightness of an HDR picture)"
VIDEO = "video"
PICTURE = "another picture"
PROVENANCE = "proof of origin (C2PA)"
CLIPPING_PATH = "clipping path"
CAPTIONS = "captions and credits (IPTC)"
THUMBNAIL = "thumbnail"
EXIF_THUMBNAIL = "thumbnail in the Exif data"
EXTENDED_XMP = "extended XMP"
COMMENT = "comment"
LAYERS = "layers of Photoshop"
UNKNOWN = "unknown data"


@dataclass(frozen=True)
class Extra:
    """Something in a file besides the picture.

    Attributes:
        kind: in words that fit after "a file with", such as [`VIDEO`].
        size: in bytes.
        key: under which metadata hold it, so that formats that can hold it get it; `None`: it is never kept.
        why: why it is never kept, in words that fit behind "because"; "" where that is plain.
    """

    kind: str
    size: int
    key: str | None = None
    why: str = ""

    def __str__(self) -> str:
        return f"{self.kind}, {_size(self.size)}"

    def to_dict(self) -> dict[str, Any]:
        """The record as a dictionary of JSON values."""
        return {"kind": self.kind, "bytes": self.size, "kept": self.key is not None}


@dataclass(frozen=True)
class Contents:
    """What a file holds besides one picture.

    Attributes:
        extras: each once, in the order of the file.
        info: those that can be written to other files and that Pillow does not list, under its names where it has one:
            "icc_profile", "comment" (bytes), "photoshop" (dictionary of resources), and "cicp", "mdcv", "clli" (bytes)
            after the chunks of PNG.
        extended_xmp: the extended packet of XMP, bytes; empty if there is none.
        lacks_end: whether a JPEG file has no marker at its end.
    """

    extras: tuple[Extra, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    extended_xmp: bytes = b""
    lacks_end: bool = False


def not_kept(extras: tuple[Extra, ...]) -> tuple[str, ...]:
    """Sentences on what no format of results gets: one on all together, and one for every reason."""
    lost = [extra for extra in extras if extra.key is None]
    if not lost:
        return ()
    listed = "; ".join(str(extra) for extra in lost)
    reasons = dict.fromkeys(extra.why for extra in lost if extra.why)
    return (f"Not carried over: {listed}.", *(f"{reason[0].upper()}{reason[1:]}." for reason in reasons))


def _size(size: int) -> str:
    if size < 10_000:
        return f"{size:,} bytes"
    return f"{size / 1000:,.0f} kB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
