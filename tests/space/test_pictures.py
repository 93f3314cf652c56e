"""What the page makes of a file is what the command line makes of it."""

import io
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import folders
from argan_hf import JpegRestorer, restoration
from argan_hf.cli import main
from argan_hf.encoding import encode_picture
from argan_hf.history import History
from pictures import FORMATS, Choices, Picture, Result, Settings, keep, look_at, with_choices
from restoring import compress, restore
from tests.conftest import jpeg_bytes
from tests.containers.test_opening import giant_jpeg
from tests.history.conftest import example
from tests.test_saving import PROFILE


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    monkeypatch.setattr(folders, "FOLDER", folder)


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained()


class Page:
    """Restores as the page does, and counts how often the network runs."""

    def __init__(self, restorer: JpegRestorer) -> None:
        self.restorer = restorer
        self.runs = 0
        self.shares: list[float] = []

    def __call__(
        self,
        picture: Picture,
        settings: Settings = Settings(),  # noqa: B008
        choices: Choices = Choices(),  # noqa: B008
    ) -> Result:
        def reconstruct(path: Path, quality: int | None, realism: float, target: Path) -> History:
            self.runs += 1
            history = self.restorer.find_history(path, quality)
            np.save(target, self.restorer.reconstruct(path, quality, realism=realism, history=history).numpy())
            return history

        self.shares = []
        return restore(
            self.restorer,
            picture,
            choices,
            settings,
            reconstruct,
            lambda: nullcontext(lambda: None),
            lambda share, _: self.shares.append(share),
        )


@pytest.fixture
def page(restorer: JpegRestorer) -> Page:
    return Page(restorer)


def _given(path: Path) -> Picture:
    picture = keep(path, path.name)
    look_at(picture)
    return picture


def _with_alpha(photo: Image.Image) -> Image.Image:
    transparent = photo.copy()
    transparent.putalpha(photo.getchannel("G"))
    return transparent


def _write(photo: Image.Image, folder: Path, kind: str) -> Path:
    path = folder / f"picture.{kind.split()[-1]}"
    if kind == "JPEG, upside down and with a profile, .jpg":
        exif = Image.Exif()
        exif[0x0112] = 3
        path = folder / "picture.jpg"
        path.write_bytes(jpeg_bytes(photo, quality=30, icc_profile=PROFILE, exif=exif))
    elif kind.startswith("CMYK"):
        path.write_bytes(jpeg_bytes(photo.convert("CMYK"), quality=30))
    elif kind.startswith("alpha"):
        _with_alpha(photo).save(path)
    elif kind.startswith("16 bits"):
        samples = np.array(photo).astype(np.uint16) * 256 + 77
        path.write_bytes(encode_picture(photo, path.suffix, samples)[0])
    elif kind.startswith("without its end"):
        path.write_bytes(jpeg_bytes(photo, quality=30)[:-2])
    else:
        photo.save(path)
    return path


KINDS = [
    "jpg",
    "JPEG, upside down and with a profile, .jpg",
    "CMYK jpg",
    "png",
    "alpha png",
    "alpha webp",
    "avif",
    "tif",
    "16 bits png",
    "16 bits tif",
    "without its end jpg",
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_result_is_the_file_that_the_command_line_writes(
    page: Page, photo: Image.Image, tmp_path: Path, kind: str
) -> None:
    path = _write(photo, tmp_path, kind)
    picture = _given(path)
    assert picture.refusal is None
    for output_format in FORMATS:
        settings = Settings(realism=0.25, strength=0.8, output_format=output_format)
        target = tmp_path / f"by-hand.{output_format}"
        command = ["restore", str(path), "-o", str(target), "--realism", "0.25", "--strength", "0.8"]
        if main(command) != 0:  # JPEG holds no transparency
            assert (kind.startswith("alpha"), output_format) == (True, "jpg")
            with pytest.raises(ValueError, match="JPEG holds no transparency; choose PNG, WebP, TIFF or AVIF"):
                page(picture, settings)
            continue
        result = page(picture, settings)
        assert result.path.read_bytes() == target.read_bytes()
        assert result.path.name == f"picture-restored.{output_format}"
    # Only the format of the result changed, so the network ran once.
    assert page.runs == 1


def test_strength_faithful_and_format_act_without_the_network(
    page: Page, restorer: JpegRestorer, photo: Image.Image, tmp_path: Path
) -> None:
    path = _write(photo, tmp_path, "jpg")
    picture = _given(path)
    for settings in (
        Settings(),
        Settings(strength=0.3),
        Settings(faithful=False),
        Settings(strength=0.0),
        Settings(output_format="webp"),
    ):
        result = page(picture, settings)
        expected = restorer(path, None, settings.strength, realism=settings.realism, faithful=settings.faithful).image
        with Image.open(result.path) as written:
            assert np.array_equal(np.array(written), np.array(expected))
    assert page.runs == 1
    page(picture, Settings(realism=0.5))
    page(picture, Settings(), Choices(quality=50))
    assert page.runs == 3


def test_the_picture_before_is_the_file_itself(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    for kind in ("jpg", "png", "alpha webp"):
        picture = _given(_write(photo, tmp_path, kind))
        assert page(picture).before == picture.path
        assert picture.path.stat().st_nlink == 2  # no copy of it, either
    picture = _given(_write(photo, tmp_path, "tif"))
    with Image.open(page(picture).before) as shown:  # browsers do not show TIFF
        assert shown.format == "PNG"
        assert np.array_equal(np.array(shown), np.array(photo))


def test_a_picture_can_be_compressed_first(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    picture = _given(_write(photo, tmp_path, "png"))
    choices = with_choices(picture, None, 19)
    result = page(picture, Settings(), choices)
    data = jpeg_bytes(photo, quality=19)
    assert result.before.read_bytes() == compress(picture.path, 19) == data
    with Image.open(result.path) as written:
        assert np.array_equal(np.array(written), np.array(page.restorer(data, realism=0.25).image))
    assert result.caption == "JPEG, quality 19"
    assert result.sentences[0].startswith("Compressed at quality 19 to ")


def test_only_a_jpeg_file_has_a_quality_to_override(photo: Image.Image, tmp_path: Path) -> None:
    jpeg, png = _given(_write(photo, tmp_path, "jpg")), _given(_write(photo, tmp_path, "png"))
    assert jpeg.quality == 75
    assert with_choices(jpeg, 75, 20) == Choices()
    assert with_choices(jpeg, 40, None) == Choices(quality=40)
    assert png.quality is None
    assert with_choices(png, 40, 20) == Choices(compress_at=20)


def test_all_work_counts_as_progress(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    page(_given(_write(photo, tmp_path, "jpg")))
    assert page.shares == sorted(page.shares)
    assert page.shares[-1] < 1


def test_the_words_say_what_was_checked(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    picture = _given(_write(photo, tmp_path, "jpg"))
    words = page(picture).sentences
    assert words[0] == "JPEG file of quality 75, 4:2:0, restored."
    assert words[1].startswith("Checked: saved as JPEG with the file's settings, ")
    assert not any(word.startswith("Checked") for word in page(picture, Settings(faithful=False)).sentences)
    blind = page(_given(_write(photo, tmp_path, "png"))).sentences
    assert blind[0] == "PNG file, restored without knowing how it was compressed."


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_picture_that_was_saved_before_is_restored_by_its_history(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    first = Image.open(io.BytesIO(jpeg_bytes(example(1), quality=20))).crop((5, 3, 384, 320))
    path = tmp_path / f"again.{kind}"
    first.save(path, **({"quality": 90} if kind == "jpg" else {}))
    picture = _given(path)
    words = page(picture).sentences
    assert (
        words[0]
        == {
            "jpg": "JPEG file of quality 90, 4:2:0, restored as the file of quality 20 that it once was.",
            "png": "PNG file, restored as the JPEG that it once was.",
        }[kind]
    )
    assert words[1].startswith("An earlier save was found: JPEG of quality 20 (in ")
    assert words[2].startswith("Checked: saved at quality 20 again, ")
    # Another strength changes the result at once: neither the network nor the search for earlier saves runs again.
    monkeypatch.setattr(restoration, "look_back", None)
    half = page(picture, Settings(strength=0.5))
    assert page.runs == 1
    monkeypatch.undo()
    expected = page.restorer(path, strength=0.5, realism=0.25).image
    with Image.open(half.path) as written:
        assert np.array_equal(np.array(written), np.array(expected))


@pytest.mark.parametrize("name", ["thumbnail.png", "before.png", "network.npy.png", "shown.png"])
def test_names_of_files_hit_no_file_of_the_page(page: Page, photo: Image.Image, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    photo.save(path)
    data = path.read_bytes()
    picture = _given(path)
    page(picture, Settings(output_format="tiff"))
    assert picture.path.read_bytes() == path.read_bytes() == data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "odd.jpg is a web page (HTML); the picture itself was not saved"),
        (b"\0\0\0\x18ftypheic", "odd.jpg is an HEIC picture"),
        (b"%PDF-1.7", "odd.jpg is a PDF document"),
        (b"", "odd.jpg is empty (0 bytes)."),
        (giant_jpeg(), "odd.jpg claims to hold 4,294.8 megapixels"),
    ],
    ids=["html", "heic", "pdf", "empty", "giant"],
)
def test_what_is_not_restored_gets_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    picture = _given(path)
    assert picture.refusal is not None
    assert picture.refusal.startswith(words)
    assert "max_megapixels" not in picture.refusal  # visitors have no such option


def test_too_many_megapixels_for_the_page(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (6000, 5000)).save(path)
    refusal = _given(path).refusal
    assert refusal is not None
    assert refusal.startswith("large.png has 30 megapixels; this page takes up to 24.")


@pytest.mark.parametrize("quality", [20, 95])
def test_thumbnails_are_upright_and_small(photo: Image.Image, tmp_path: Path, quality: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    photo.resize((1200, 900)).save(buffer, "JPEG", quality=quality, exif=exif)
    path = tmp_path / "sideways.jpg"
    path.write_bytes(buffer.getvalue())
    picture = _given(path)
    assert (picture.width, picture.height) == (900, 1200)
    assert picture.thumbnail is not None
    with Image.open(picture.thumbnail) as small:
        assert small.height > small.width
        assert max(small.size) <= 112


def test_no_damage_is_passed_over_in_silence(tmp_path: Path, photo: Image.Image) -> None:
    path = tmp_path / "odd.png"
    photo.save(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6 :] = bytes(len(data) - data.index(b"IDAT") - 6)
    path.write_bytes(bytes(data))
    assert (_given(path).refusal or "").startswith("odd.png is damaged")


def test_a_damaged_file_is_refused_when_it_is_given(photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=50)[:-500])
    assert "ends early" in (_given(path).refusal or "")
