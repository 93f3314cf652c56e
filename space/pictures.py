"""One picture of a visitor: what its file is, and restoring it.

A picture is restored as the file is, and the result is the file that `argan restore` writes, byte for byte. "Compress
it first" is a choice for pictures that show no damage. What the network gives is kept beside the picture, so that
strength, faithful and the format of the result act at once.
"""

import io
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf import JpegRestorer, UnreadableImageError
from argan_hf.jpeg.file import check_depth, load_pixels, open_image, read_header
from argan_hf.restored_image import RestorationReport, RestoredImage
from argan_hf.saving import cmyk_to_rgb, encode_picture
from folders import forget, new_folder

MAX_MEGAPIXELS = 24
DEFAULT_QUALITY = 20
NETWORK_SHARE = 0.75
"""Share of the time that the network takes; assembling and writing a PNG file take the rest."""

FORMATS = ("png", "webp", "tiff", "avif", "jpg")

_THUMBNAIL = (112, 84)
# Formats that browsers show upright, and the result formats that they show at all.
_SHOWN_AS_THEY_ARE = ("JPEG", "MPO", "PNG", "WEBP", "BMP")
_SHOWN_RESULTS = ("png", "webp", "avif", "jpg")
_LONGEST_STEM = 100
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Settings:
    """What a visitor chose for all pictures; see [`JpegRestorer.__call__`].

    Attributes:
        strength, realism: 0..1.
        faithful: whether the luma of JPEG files is projected onto the file.
        output_format: of the result, one of `FORMATS`.
    """

    strength: float = 1.0
    realism: float = 0.25
    faithful: bool = True
    output_format: str = "png"


@dataclass(frozen=True)
class Choices:
    """What a visitor chose for one picture.

    Attributes:
        quality: JPEG quality 1..100 on whose standard tables the network is conditioned; `None`: those of the file.
        compress_at: JPEG quality 1..100 at which the picture is compressed first; `None`: it is restored as it is.
    """

    quality: int | None = None
    compress_at: int | None = None


@dataclass
class Result:
    """A finished restoration.

    Attributes:
        path: the file to download.
        before, after: files that browsers show.
        caption: what the picture before is.
        size: (width, height) of the result, in pixels.
        sentences: what was found and done.
    """

    path: Path
    before: Path
    after: Path
    caption: str
    size: tuple[int, int]
    sentences: list[str]


@dataclass
class Picture:
    """A file that a visitor gave.

    Attributes:
        name: as the visitor calls it; any text.
        path: the file, in a folder of its own that holds all that is made of it.
        token: names the picture in requests.
        choices: for this picture.
        refusal: why it is never restored.
        failure, failed_key: why it could not be restored as it was wanted, and what was wanted.
        format, width, height: of the file, upright.
        quality: of a JPEG file, 1..100; `None` for other files.
        thumbnail, shown: files that browsers show; `shown` is `None` until it is made where they cannot show the file.
        network_key: what the kept output of the network was made with.
        result_key, result: the newest result, and what it was made with.
    """

    name: str
    path: Path
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    choices: Choices = field(default_factory=Choices)
    refusal: str | None = None
    failure: str | None = None
    failed_key: tuple[object, ...] | None = None
    format: str = ""
    width: int = 0
    height: int = 0
    quality: int | None = None
    thumbnail: Path | None = None
    shown: Path | None = None
    network_key: tuple[object, ...] | None = None
    result_key: tuple[object, ...] | None = None
    result: Result | None = None

    @property
    def folder(self) -> Path:
        """Holds all files of this picture; the file itself lies in a folder below, so that its name hits no other."""
        return self.path.parent.parent


def network_key(choices: Choices, settings: Settings) -> tuple[object, ...]:
    """All that the output of the network depends on."""
    return (choices, settings.realism)


def result_key(choices: Choices, settings: Settings) -> tuple[object, ...]:
    """All that a result depends on."""
    return (choices, settings)


def look_at(picture: Picture) -> None:
    """Read the header of the file and make a thumbnail; a file that is not restored gets its refusal."""
    try:
        image = open_shown(picture.path)
        picture.format = image.format or ""
        if isinstance(image, JpegImageFile):
            picture.quality = read_header(image).quality
        turned = image.getexif().get(_ORIENTATION, 1)
        picture.width, picture.height = image.size[::-1] if turned in (5, 6, 7, 8) else image.size
        moves = bool(getattr(image, "is_animated", False)) and picture.format != "MPO"
        upright = turned == 1 or picture.format in ("JPEG", "MPO")
        if picture.format in _SHOWN_AS_THEY_ARE and upright and not moves:
            picture.shown = picture.path
        image.draft("RGB" if image.mode != "L" else "L", _THUMBNAIL)  # decodes a JPEG file at an eighth of its size
        load_pixels(image)
        small = ImageOps.exif_transpose(_showable(image))
        small.thumbnail(_THUMBNAIL)
        picture.thumbnail = picture.folder / "thumbnail.png"
        small.save(picture.thumbnail)
    except UnreadableImageError as error:
        picture.refusal = sentence(picture, error)


def open_shown(path: Path) -> Image.Image:
    """Open a picture that is not too large for this page.

    Raises:
        UnreadableImageError: as [`open_image`], and for more than `MAX_MEGAPIXELS` or 16 bits per channel.
    """
    image = open_image(path)
    megapixels = image.width * image.height / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise UnreadableImageError(
            f"{path.name} has {megapixels:.0f} megapixels; this page takes up to {MAX_MEGAPIXELS}. `argan restore` on"
            " your own computer takes larger ones"
        )
    check_depth(image)
    return image


def restore(
    restorer: JpegRestorer,
    picture: Picture,
    choices: Choices,
    settings: Settings,
    reconstruct: Callable[[Path, int | None, float, Path], None],
    turn: Callable[[], AbstractContextManager[None]],
    report: Callable[[float, str], None],
) -> Result:
    """Restore a picture, or change the result that is there where the network need not run again.

    Args:
        restorer: applies strength and faithful, and assembles the picture.
        picture: the file; what is made of it goes to its folder.
        choices, settings: what the visitor chose.
        reconstruct: runs the network over a file, with quality and realism, and writes what it gives to a path.
        turn: holds the processor.
        report: called with the share of all work that is done, 0..1, and what is being done; may raise to end the work.

    Raises:
        UnreadableImageError: if the file cannot be restored.
        ValueError: if the result does not fit its format.
    """
    start = time.perf_counter()
    source, caption = picture.path, "Original"
    if choices.compress_at is not None:
        report(0.0, "Compressing")
        source = picture.folder / f"compressed-{choices.compress_at}.jpg"
        source.write_bytes(compress(picture.path, choices.compress_at))
        caption = f"JPEG, quality {choices.compress_at}"
    elif picture.quality is not None:
        caption = f"Original: JPEG, quality {picture.quality}"
    kept = picture.folder / "network.npy"
    key = network_key(choices, settings)
    if picture.network_key != key and settings.strength > 0:
        picture.network_key = None
        reconstruct(source, choices.quality, settings.realism, kept)
        picture.network_key = key
    report(NETWORK_SHARE, "Assembling")
    planes = torch.from_numpy(np.load(kept, mmap_mode="c")) if settings.strength > 0 else None
    with turn():
        restored = restorer(
            source,
            choices.quality,
            settings.strength,
            realism=settings.realism,
            faithful=settings.faithful,
            reconstruction=planes,
        )
    suffix = settings.output_format
    report(0.82, f"Writing {suffix.upper()}")
    data, notes = encode_picture(restored.image, f".{suffix}")
    folder = picture.folder / secrets.token_hex(4)
    folder.mkdir()
    path = folder / f"{picture.path.stem[:_LONGEST_STEM]}-restored.{suffix}"
    path.write_bytes(data)
    after = path if suffix in _SHOWN_RESULTS else _write_shown(restored.image, folder / "shown.png")
    if choices.compress_at is not None:
        before = source
    else:
        if picture.shown is None:
            image = open_image(source)
            load_pixels(image)
            picture.shown = _write_shown(ImageOps.exif_transpose(image), picture.folder / "before.png")
        before = picture.shown
    seconds = time.perf_counter() - start
    words = [*describe(restored, choices, source.stat().st_size, seconds), *restored.report.notes, *notes]
    return Result(path, before, after, caption, restored.image.size, words)


def compress(path: Path, quality: int) -> bytes:
    """The bytes of a JPEG file that a program would write of a picture, upright, 4:2:0, gray pictures gray."""
    image = open_shown(path)
    load_pixels(image)
    buffer = io.BytesIO()
    gray = image.mode in ("1", "L", "LA")
    ImageOps.exif_transpose(image).convert("L" if gray else "RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def describe(restored: RestoredImage, choices: Choices, size: int, seconds: float) -> list[str]:
    """What was found and done, in sentences for visitors."""
    report = restored.report
    if choices.compress_at is not None:
        sentences = [f"Compressed at quality {choices.compress_at} to {size / 1000:.0f} kB, then restored."]
    elif report.sampling is not None and choices.quality is not None:
        sentences = [f"JPEG file, {report.sampling}, restored as one of quality {choices.quality}."]
    elif report.sampling is not None:
        sentences = [f"JPEG file of quality {report.quality}, {report.sampling}, restored."]
    else:
        kind = report.format or "picture"
        sentences = [f"{kind} file, restored without knowing how it was compressed."]
    sentences += _check(report)
    sentences.append(f"{report.width}x{report.height} pixels in {seconds:.1f} s.")
    return sentences


def _check(report: RestorationReport) -> list[str]:
    if report.consistency is None:
        return []
    percent = int(report.consistency * 10_000) / 100  # rounded down: 100 % means all
    return [f"Checked: saved as JPEG with the file's settings, the result gives the file again (luma {percent:g} %)."]


def sentence(picture: Picture, error: Exception) -> str:
    """What a visitor is told of an error, with the name of the file as the visitor knows it."""
    text = str(error).split("; raise it with", maxsplit=1)[0].rstrip(".")
    start = next((start for start in ("the picture", picture.path.name) if text.startswith(start)), None)
    return f"{picture.name}: {text}." if start is None else f"{picture.name}{text.removeprefix(start)}."


def _write_shown(image: Image.Image, path: Path) -> Path:
    _showable(image).save(path, compress_level=1)
    return path


def _showable(image: Image.Image) -> Image.Image:
    if image.mode == "CMYK":
        return cmyk_to_rgb(image)
    return image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGB")


def keep(source: Path, name: str) -> Picture:
    """Give an upload, or an example, a folder of its own that goes with the picture."""
    path = new_folder() / "given" / source.name
    path.parent.mkdir()
    try:
        path.hardlink_to(source)
    except OSError:
        path.write_bytes(source.read_bytes())
    return Picture(name=name, path=path)


def discard(picture: Picture) -> None:
    """Delete all files of a picture."""
    forget(picture.folder)


def with_choices(picture: Picture, quality: int | None, compress_at: int | None) -> Choices:
    """The choices of a picture, changed: only JPEG files have a quality to override, only others are compressed."""
    if picture.quality is None:
        return replace(picture.choices, compress_at=compress_at)
    return replace(picture.choices, quality=None if quality == picture.quality else quality)
