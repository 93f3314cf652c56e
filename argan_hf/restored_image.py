"""What a restoration gives: the picture, and a report on what was found and done."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from .saving import save_picture


@dataclass(frozen=True)
class RestorationReport:
    """What was found and what was done.

    Attributes:
        width, height: of the restored picture, in pixels.
        format: of the file ("JPEG", "PNG", …), `None` for a picture that came without one.
        quality: the file's own quality or the one given, `None` where neither is known.
        sampling: chroma sampling of a JPEG file.
        consistency: share of luma coefficients of the result, as written, that equal the file's own; `None` where
            nothing was held to a file.
        told: whether the network was told the quantization tables; otherwise it worked blind.
        restored_planes: planes that went through the network, "Y", "Y, Cb, Cr" or, each by itself, "C, M, Y, K".
        strength, realism: as given.
        seconds: wall-clock time of the restoration.
        notes: sentences on anything that a user would not expect.
    """

    width: int
    height: int
    format: str | None
    quality: int | None
    sampling: str | None
    consistency: float | None
    conditioned: bool
    restored_planes: str
    strength: float
    realism: float
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return asdict(self) | {"notes": list(self.notes)}


@dataclass(frozen=True)
class RestoredImage:
    """A restored picture and the report on it.

    Attributes:
        image: mode "L", "LA", "RGB", "RGBA" or "CMYK", with the source's color profile, Exif and the like in
            `image.info`.
        report: what was found and done.
    """

    image: Image.Image
    report: RestorationReport

    def save(self, path: str | Path) -> tuple[str, ...]:
        """Write the picture whole or not at all; the format is that of the suffix.

        PNG, TIFF and WebP lose nothing, JPEG and AVIF are written at high quality. Only TIFF and JPEG hold CMYK; for
        the others it is converted to RGB.

        Returns:
            Sentences on what the format cannot hold.

        Raises:
            ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
            OSError: if the file cannot be written.
        """
        return save_picture(self.image, Path(path))
