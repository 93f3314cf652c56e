"""The result of a restoration: the picture, and a report on it."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .encoding import encode_picture
from .history import History
from .jpeg.file_blocks import Consistency
from .saving import save_picture


@dataclass(frozen=True)
class RestorationReport:
    """Properties of the source, and what was done.

    Attributes:
        width, height: of the restored picture, in pixels.
        bits: per channel, 8 or 16.
        format: of the file ("JPEG", "PNG", …), `None` for a picture that does not come from a file.
        quality: the given quality if it was used, else that of the file; `None` where neither is known. That of an
            earlier save is in `history`.
        sampling: chroma subsampling of a JPEG file, `None` for other pictures.
        consistency: how much of the file the result gives again, if it is written without loss (PNG, TIFF, WebP), with
            8 bits and not rotated, and encoded by libjpeg with the tables and the sampling of the file; or of the
            earliest save that is certain, in the blocks that are known to be its own. Of a save, and of a file whose
            coefficients cannot be read with certainty, that is luma in whole blocks. `None` if the result was not held
            to a file.
        conditioned: whether the network was conditioned on quantization tables; otherwise the restoration was blind.
        restored_planes: planes that went through the network: "Y", "Y, Cb, Cr" or, one by one, "C, M, Y, K".
        untouched: share 0..1 of the picture that is left as it is, because nothing there is to be repaired; of a JPEG
            file, that is said of its luma.
        strength, realism: as given, 0..1.
        seconds: wall-clock time of the restoration.
        history: what the picture went through before it became the file.
        notes: sentences on anything that a user would not expect.
    """

    width: int
    height: int
    bits: int
    format: str | None
    quality: int | None
    sampling: str | None
    consistency: Consistency | None
    conditioned: bool
    restored_planes: str
    untouched: float
    strength: float
    realism: float
    seconds: float
    history: History = field(default_factory=History)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as a dictionary of JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        consistency = None if self.consistency is None else asdict(self.consistency)
        return values | {"consistency": consistency, "history": self.history.to_dict(), "notes": list(self.notes)}


@dataclass(frozen=True)
class RestoredImage:
    """A restored picture and the report on it.

    Attributes:
        image: mode "L", "LA", "RGB", "RGBA" or "CMYK", with the source's color profile, Exif and the like in
            `image.info`.
        report: properties of the source, and what was done.
        samples: uint16 (H, W, 1..4), 0..65535, if the source has 16 bits per channel: gray or RGB, with alpha or not.
            `image` shows them with 8 bits. `None` for other sources.
    """

    image: Image.Image
    report: RestorationReport
    samples: np.ndarray | None = field(default=None, repr=False, compare=False)

    def encode(self, suffix: str) -> tuple[bytes, tuple[str, ...]]:
        """The bytes of the file that [`save`] writes.

        Args:
            suffix: ".png", ".tif", ".tiff", ".webp", ".avif", ".jpg" or ".jpeg".

        Returns:
            The bytes, and sentences on what the format cannot hold.

        Raises:
            ValueError, OSError: as [`save`].
        """
        return encode_picture(self.image, suffix, self.samples)

    def save(self, path: str | Path) -> tuple[str, ...]:
        """Write the picture in the format of the suffix. If writing fails, no incomplete file is left.

        PNG, TIFF and WebP are written losslessly, JPEG and AVIF at high quality. Only TIFF and JPEG hold CMYK; for the
        others it is converted to RGB. Only PNG and TIFF hold 16 bits per channel; the others get 8.

        Returns:
            Sentences on what the format cannot hold.

        Raises:
            ValueError: if the suffix names no format that can be written, or the format cannot hold such a picture.
            OSError: if the file cannot be written.
        """
        return save_picture(self.image, Path(path), self.samples)
