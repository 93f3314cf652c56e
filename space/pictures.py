"""One picture of a visitor: what its file is, what was chosen for it, and where its files lie."""

import logging
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf import UnreadableImageError
from argan_hf.cmyk import cmyk_to_rgb
from argan_hf.containers.exif import states_plain_orientation
from argan_hf.containers.opening import check_depth, load_pixels, open_image
from argan_hf.history import History
from argan_hf.jpeg.header import read_header
from argan_hf.sixteen_bits import is_deep, read_samples, to_eight_bits
from folders import forget, new_folder

logger = logging.getLogger(__name__)

MAX_MEGAPIXELS = 24
DEFAULT_QUALITY = 20
FORMATS = ("png", "webp", "tiff", "avif", "jpg")

_THUMBNAIL = (112, 84)
# Formats that browsers show.
_SHOWN_AS_THEY_ARE = ("JPEG", "MPO", "PNG", "WEBP", "BMP")
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Settings:
    """What a visitor chose for all pictures; see [`JpegRestorer.__call__`].

    Attributes:
        strength, realism: 0..1.
        faithful: whether results are held to their JPEG file.
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
        is_known: whether the file was looked at.
        refusal: why it is never restored.
        failure, failed_key, can_retry: why it could not be restored as it was wanted, what was wanted, and whether
            trying again can help.
        order: its place among the pictures of the visit, from the left.
        format, width, height: of the file, upright.
        quality: of a JPEG file, 1..100; `None` for other files.
        thumbnail, shown: files that browsers show; `shown` is `None` until it is made where they cannot show the file.
        network_key: what the kept output of the network was made with.
        history: what the picture went through, as found with that; `True`: not looked for yet.
        result_key, result: the newest result, and what it was made with.
        former: folder of the result before it.
    """

    name: str
    path: Path
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    choices: Choices = field(default_factory=Choices)
    is_known: bool = False
    refusal: str | None = None
    failure: str | None = None
    failed_key: tuple[object, ...] | None = None
    can_retry: bool = True
    order: int = 0
    format: str = ""
    width: int = 0
    height: int = 0
    quality: int | None = None
    thumbnail: Path | None = None
    shown: Path | None = None
    network_key: tuple[object, ...] | None = None
    history: bool | History = True
    result_key: tuple[object, ...] | None = None
    result: Result | None = None
    former: Path | None = None

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
        size = image.size
        image.draft("RGB" if image.mode != "L" else "L", _THUMBNAIL)  # decodes a JPEG file at an eighth of its size
        load_pixels(image)
        turned = image.getexif().get(_ORIENTATION, 1)
        picture.width, picture.height = size[::-1] if turned in (5, 6, 7, 8) else size
        moves = bool(getattr(image, "is_animated", False)) and picture.format != "MPO"
        is_turned_by_browsers = states_plain_orientation(image.info.get("exif", b""))
        upright = turned == 1 or (picture.format in ("JPEG", "MPO") and is_turned_by_browsers)
        small = ImageOps.exif_transpose(showable(image))
        small.thumbnail(_THUMBNAIL)
        thumbnail = picture.folder / "thumbnail.png"
        small.save(thumbnail)
    except UnreadableImageError as error:
        picture.refusal = sentence(picture, error)
    except Exception:  # Malformed tags and frames can raise any kind of exception; so can a file that was removed.
        logger.info("%s could not be looked at", picture.path.name, exc_info=True)
        picture.refusal = f"{picture.name} is damaged and cannot be shown."
    else:
        picture.thumbnail = thumbnail
        if picture.format in _SHOWN_AS_THEY_ARE and upright and not moves:
            picture.shown = picture.path


def open_shown(path: Path) -> Image.Image:
    """Open a picture that is not too large for this page; one of 16 bits per channel is decoded and shown with 8.

    Raises:
        UnreadableImageError: as [`open_image`], for more than `MAX_MEGAPIXELS`, and for pixels of an unusual kind.
    """
    image = open_image(path)
    megapixels = image.width * image.height / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise UnreadableImageError(
            f"{path.name} has {megapixels:.0f} megapixels; this page takes up to {MAX_MEGAPIXELS}. `argan restore` on"
            " your own computer takes larger ones"
        )
    if not is_deep(image):
        check_depth(image)
        return image
    samples = to_eight_bits(read_samples(image, path.read_bytes(), path.name))
    shown = Image.fromarray(samples.squeeze(2) if samples.shape[2] == 1 else samples)
    shown.info, shown.format = image.info, image.format
    return shown


def sentence(picture: Picture, error: Exception) -> str:
    """What a visitor is told of an error, with the name of the file as the visitor knows it."""
    text = str(error).split("; raise it with", maxsplit=1)[0].rstrip(".")
    start = next((start for start in ("the picture", picture.path.name) if text.startswith(start)), None)
    return f"{picture.name}: {text}." if start is None else f"{picture.name}{text.removeprefix(start)}."


def showable(image: Image.Image) -> Image.Image:
    """A picture in a mode that PNG holds and browsers show."""
    if image.mode == "CMYK":
        return cmyk_to_rgb(image)
    return image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGB")


def upright_pixels(path: Path) -> Image.Image:
    """The picture as a program sees that saves it as JPEG: upright, mode "L" if it is gray, else "RGB".

    Raises:
        UnreadableImageError: as [`open_shown`], and if the pixels are damaged.
    """
    image = open_shown(path)
    load_pixels(image)
    gray = image.mode in ("1", "L", "LA")
    return ImageOps.exif_transpose(image).convert("L" if gray else "RGB")


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
