"""What a picture goes through before it is restored: saved, cropped, resized, saved again.

Pictures of the web have rarely been saved once. A life is written as steps joined by `>`, the first one first:

- `20`: saved as JPEG at libjpeg's quality 20, chroma 4:2:0. `20:444` and `20:422` store more chroma. `20@3,5`: the grid
  of blocks starts 3 rows and 5 columns before the picture, as if that much had been cropped away after the save; the
  picture keeps its size.
- `x0.75`: both sides times 0.75, rounded (Lanczos). `n2`: both sides times the whole number 2 (nearest neighbor).
- `png`: written as PNG, which changes no pixel. `webp80`: written as lossy WebP at quality 80.

The last step decides which file is restored: a JPEG or WebP file, otherwise a PNG. `20>x0.75>85` is a JPEG file at
quality 85 of a smaller copy of a JPEG file at quality 20; `20>png` is a PNG file that shows the traces of a JPEG.
"""

import io
import re
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from ..jpeg.codec import compress
from ..jpeg.file import image_to_tensor
from ..jpeg.resampling import Subsampling

_SAMPLINGS: dict[str, Subsampling] = {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0"}  # those that Pillow can write
_MAX_OFFSET = 15  # blocks of 4:2:0 chroma cover 16 rows and columns of the picture
_FACTORS = (0.05, 8.0)
_WHOLE_FACTORS = (2, 8)
_JPEG = re.compile(r"(?P<quality>\d+)(?::(?P<sampling>[^@]*))?(?:@(?P<offset>.*))?")
_KINDS = "a quality such as 20, 20:444 or 20@3,5, a resizing such as x0.75 or n2, png, or webp80"


@dataclass(frozen=True)
class Step:
    """Something that happens to a picture. A step of this class itself is `png`: it changes no pixel.

    Attributes:
        text: as written in a life.
    """

    text: str

    def apply(self, picture: Tensor) -> Tensor:
        """The picture after this step, uint8 (1, C, H, W) as the given one."""
        return picture

    def write(self, picture: Tensor) -> bytes:
        """The file that this step leaves of a picture, uint8 (1, C, H, W), if it is the last one."""
        return _encode(self.apply(picture), "PNG")


@dataclass(frozen=True)
class JpegSave(Step):
    """Saved as JPEG.

    Attributes:
        quality: libjpeg's 1..100.
        sampling: of the chroma of color pictures.
        offset: rows and columns by which the grid of blocks starts before the picture, 0..15.
    """

    quality: int
    sampling: Subsampling = "4:2:0"
    offset: tuple[int, int] = (0, 0)

    def apply(self, picture: Tensor) -> Tensor:
        return compress(picture, self.quality, subsampling=self.sampling, offset=self.offset)

    def write(self, picture: Tensor) -> bytes:
        if picture.shape[1] == 1:  # without chroma; Pillow would write its factors nevertheless
            return _encode(picture, "JPEG", quality=self.quality)
        return _encode(picture, "JPEG", quality=self.quality, subsampling=self.sampling)


@dataclass(frozen=True)
class WebpSave(Step):
    """Saved as lossy WebP.

    Attributes:
        quality: libwebp's 0..100.
    """

    quality: int

    def apply(self, picture: Tensor) -> Tensor:
        with Image.open(io.BytesIO(self.write(picture))) as image:
            # WebP knows no gray pictures: they come back as RGB with three equal channels.
            return image_to_tensor(image.convert("L" if picture.shape[1] == 1 else "RGB"))[None]

    def write(self, picture: Tensor) -> bytes:
        return _encode(picture, "WEBP", quality=self.quality)


@dataclass(frozen=True)
class Resizing(Step):
    """Resized.

    Attributes:
        factor: of both sides; the new sides are rounded, and at least 1.
        method: of resampling.
    """

    factor: float
    method: Image.Resampling = Image.Resampling.LANCZOS

    def apply(self, picture: Tensor) -> Tensor:
        height, width = (max(1, round(side * self.factor)) for side in picture.shape[-2:])
        return image_to_tensor(_as_image(picture).resize((width, height), self.method))[None]


@dataclass(frozen=True)
class LifeResult:
    """What a life leaves.

    Attributes:
        file: the bytes of the file that is restored.
        original: uint8 (1, C, H, W), what its restoration is compared with: the original with the same resizings and
            nothing else.
    """

    file: bytes
    original: Tensor


@dataclass(frozen=True)
class Life:
    """Steps that a picture goes through, one after another; see the head of this file.

    Attributes:
        text: as written, without spaces.
        steps: the first one first.
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "Life":
        """Read a life such as `20@3,5>x0.75>85`.

        Raises:
            ValueError: if a step is unknown or out of range, or the last one shifts the grid of its file.
        """
        parts = [part.strip() for part in text.split(">")]
        try:
            steps = tuple(_parse_step(part) for part in parts)
            _check_last(steps[-1])
        except ValueError as error:
            raise ValueError(f"life {text!r}: {error}") from error
        return cls(">".join(parts), steps)

    @property
    def quality(self) -> int | None:
        """The quality of the JPEG file that is restored, 1..100; `None` if it is no JPEG file."""
        last = self.steps[-1]
        return last.quality if isinstance(last, JpegSave) else None

    def live(self, original: Tensor) -> LifeResult:
        """Take a picture through all steps.

        Args:
            original: uint8 (1, 1, H, W) gray or (1, 3, H, W) RGB.
        """
        picture = reference = original
        for step in self.steps:
            if isinstance(step, Resizing):
                reference = step.apply(reference)
        for step in self.steps[:-1]:
            picture = step.apply(picture)
        return LifeResult(self.steps[-1].write(picture), reference)


def _parse_step(text: str) -> Step:
    if text == "png":
        return Step(text)
    if found := _JPEG.fullmatch(text):
        sampling = "420" if found["sampling"] is None else found["sampling"]
        if sampling not in _SAMPLINGS:
            raise ValueError(f"chroma of {text!r} must be one of {', '.join(_SAMPLINGS)}, found {sampling!r}")
        offset = (0, 0) if found["offset"] is None else _offset(text, found["offset"])
        return JpegSave(text, _in_range(text, found["quality"], 1, 100), _SAMPLINGS[sampling], offset)
    if found := re.fullmatch(r"webp(\d+)", text):
        return WebpSave(text, _in_range(text, found[1], 0, 100))
    if found := re.fullmatch(r"n(\d+)", text):
        return Resizing(text, _in_range(text, found[1], *_WHOLE_FACTORS), Image.Resampling.NEAREST)
    if found := re.fullmatch(r"x(\d+\.?\d*|\.\d+)", text):
        factor, (low, high) = float(found[1]), _FACTORS
        if not low <= factor <= high:
            raise ValueError(f"the factor of {text!r} must lie in {low:g}..{high:g}")
        return Resizing(text, factor)
    raise ValueError(f"a step must be {_KINDS}; found {text!r}" if text else f"a step is empty, expected {_KINDS}")


def _check_last(step: Step) -> None:
    if isinstance(step, JpegSave) and step.offset != (0, 0):
        raise ValueError(
            "the grid of the file that is restored starts at its corner, so the last step can have no @, found "
            f"{step.text!r}; to crop after it, end with png or another quality, as in {step.text}>png"
        )


def _in_range(text: str, digits: str, low: int, high: int) -> int:
    if not low <= int(digits) <= high:
        raise ValueError(f"the number in {text!r} must lie in {low}..{high}, found {digits}")
    return int(digits)


def _offset(text: str, numbers: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+),(\d+)", numbers)
    if not found:
        raise ValueError(f"after @ come rows and columns, such as @3,5; found {text!r}")
    return _in_range(text, found[1], 0, _MAX_OFFSET), _in_range(text, found[2], 0, _MAX_OFFSET)


def _as_image(picture: Tensor) -> Image.Image:
    return Image.fromarray(picture[0].permute(1, 2, 0).squeeze(2).numpy())


def _encode(picture: Tensor, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    _as_image(picture).save(buffer, kind, **options)
    return buffer.getvalue()
