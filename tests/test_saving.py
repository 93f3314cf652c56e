import io
import os
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image, ImageCms
from PIL.Image import Exif
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf.cmyk import cmyk_to_rgb
from argan_hf.containers import look_into
from argan_hf.containers.opening import open_image
from argan_hf.containers.photoshop import Resource
from argan_hf.encoding import encode_picture
from argan_hf.jpeg.header import read_header
from argan_hf.metadata import kept_info
from argan_hf.picture import take_apart
from argan_hf.saving import save_picture
from tests.conftest import jpeg_bytes
from tests.containers.files import xmp

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS, LOSSY = (".png", ".tiff", ".tif", ".webp"), (".jpg", ".jpeg", ".avif")
_EXIF, _GPS = 0x8769, 0x8825


def _rich(image: Image.Image) -> Image.Image:
    """A picture with everything that can travel with one."""
    exif = Exif()
    exif[0x013B] = "Ada"
    exif[_EXIF] = {0x9003: "2020:01:01 00:00:00"}
    exif[_GPS] = {1: "N"}
    image.info = {
        "icc_profile": PROFILE,
        "exif": exif.tobytes(),
        "xmp": "<x>é</x>".encode(),
        "dpi": (300, 300),
        "comment": b"a view",
        "text": {"Title": "Zürich 日本"},
        "gamma": 0.29,
        "chromaticity": (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    }
    return image


def _read(data: bytes) -> Image.Image:
    image = open_image(data)
    image.load()
    return image


@pytest.mark.parametrize("suffix", LOSSLESS + LOSSY)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_a_format_carries_is_carried_and_the_rest_is_named(photo: Image.Image, mode: str, suffix: str) -> None:
    data, notes = encode_picture(_rich(photo.convert(mode)), suffix)
    written = _read(data)
    exif = written.getexif()
    # A profile of RGB is not allowed in a gray PNG file.
    keeps_profile = (mode, suffix) != ("L", ".png")
    assert ("icc_profile" in written.info) is keeps_profile is not any("not one for gray pixels" in n for n in notes)
    assert written.info.get("icc_profile", PROFILE) == PROFILE
    assert exif[0x013B] == "Ada"
    assert exif.get_ifd(_EXIF)[0x9003] == "2020:01:01 00:00:00"
    assert exif.get_ifd(_GPS)[1] == "N"
    assert written.info["xmp"] == "<x>é</x>".encode()
    assert ("is lossy" in " ".join(notes)) is (suffix in LOSSY)
    has_resolution, has_comment = "dpi" in written.info, b"a view" in data
    assert has_resolution is has_comment is (suffix not in (".webp", ".avif"))
    assert any("resolution, comment" in note for note in notes) is not has_comment
    assert any("texts" in note for note in notes) is (suffix != ".png")
    if has_resolution:
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    if suffix == ".png":
        assert written.text["Title"] == "Zürich 日本"
        assert written.text["Comment"] == "a view"
        assert written.info["gamma"] == 0.29
        assert written.info["chromaticity"] == pytest.approx(_rich(photo).info["chromaticity"])


@pytest.mark.parametrize("suffix", [".PNG", ".Jpg", ".TIFF"])
def test_the_case_of_a_suffix_does_not_matter(photo: Image.Image, suffix: str) -> None:
    assert encode_picture(photo, suffix) == encode_picture(photo, suffix.lower())


def test_a_text_that_has_the_place_of_the_comment_keeps_it(photo: Image.Image) -> None:
    exif = Exif()
    exif[0x010E] = "a lake"
    photo.info = {"exif": exif.tobytes(), "text": {"Comment": "a lake"}, "comment": b"a view"}
    assert _read(encode_picture(photo, ".png")[0]).text["Comment"] == "a lake"
    data, notes = encode_picture(photo, ".tiff")
    assert _read(data).getexif()[0x010E] == "a lake"
    assert any("Left out of the TIFF file: texts, comment" in note for note in notes)


@pytest.mark.parametrize("density", [1e9, 4294967295, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("suffix", LOSSLESS + LOSSY)
def test_no_resolution_costs_the_picture(photo: Image.Image, suffix: str, density: float) -> None:
    photo.info = {"dpi": (density, density), "xmp": b"<x/>"}
    data, notes = encode_picture(photo, suffix)
    written = _read(data)
    assert written.size == photo.size
    assert written.info["xmp"] == b"<x/>"
    assert "dpi" in written.info or any("resolution" in note for note in notes)


def test_a_png_says_srgb_only_where_no_profile_says_more(photo: Image.Image) -> None:
    photo.info = {"srgb": 1}
    alone = encode_picture(photo, ".png")[0]
    assert _read(alone).info["srgb"] == 1
    assert b"iCCP" not in alone
    photo.info["icc_profile"] = PROFILE
    both = encode_picture(photo, ".png")[0]
    assert _read(both).info["icc_profile"] == PROFILE
    assert b"sRGB" not in both[: both.index(b"IDAT")]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_lose_nothing_not_even_below_transparency(photo: Image.Image, mode: str, suffix: str) -> None:
    image = photo.convert(mode)
    if mode.endswith("A"):
        image.putalpha(photo.convert("L").point(lambda value: 0 if value < 100 else value))
    written = _read(encode_picture(image, suffix)[0])
    # WebP knows no gray.
    expected = image if suffix != ".webp" else image.convert("RGBA" if mode.endswith("A") else "RGB")
    assert written.mode == expected.mode
    assert np.array_equal(np.array(written), np.array(expected))


@pytest.mark.parametrize("suffix", LOSSY)
def test_lossy_formats_lose_little(photo: Image.Image, suffix: str) -> None:
    written = _read(encode_picture(photo, suffix)[0])
    assert np.square(np.array(written).astype(float) - np.array(photo)).mean() < 8
    if isinstance(written, JpegImageFile):
        header = read_header(written)
        assert (header.quality, header.standard, header.sampling) == (95, True, "4:4:4")


@pytest.mark.parametrize("suffix", LOSSY)
def test_lossy_formats_keep_color_as_fine_as_brightness(suffix: str) -> None:
    stripes = np.zeros((32, 32, 3), dtype=np.uint8)
    stripes[:, ::2] = (200, 40, 40)
    stripes[:, 1::2] = (40, 40, 200)
    written = np.array(_read(encode_picture(Image.fromarray(stripes), suffix)[0]).convert("RGB"))
    # With half the chroma, all would be one purple.
    assert np.abs(written.astype(int) - stripes).max() < 40


@pytest.mark.parametrize("suffix", [".tiff", ".jpg"])
def test_inks_stay_inks_where_the_format_has_them(photo: Image.Image, suffix: str) -> None:
    cmyk = _rich(photo.convert("CMYK"))
    written = _read(encode_picture(cmyk, suffix)[0])
    assert written.mode == "CMYK"
    assert written.info["icc_profile"] == PROFILE
    assert np.abs(np.array(written).astype(int) - np.array(cmyk)).mean() < (0.01 if suffix == ".tiff" else 3)


def test_inks_become_rgb_where_the_format_has_none_and_that_is_said(photo: Image.Image) -> None:
    data, notes = encode_picture(_rich(photo.convert("CMYK")), ".png")
    written = _read(data)
    assert "CMYK" in notes[0]
    assert "icc_profile" not in written.info
    # The profile at hand is one of RGB and of no use for CMYK.
    assert np.array_equal(np.array(written), np.array(photo.convert("CMYK").convert("RGB")))


def _profile_of_cmyk(lab: tuple[int, int, int]) -> bytes:
    """A CMYK profile whose cyan is another color; only all four channels together are black."""
    grid = b"\xff\x80\x80" * 8 + bytes(lab) * 7 + b"\x00\x80\x80"
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9l", *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
    table += identity * 4 + grid + identity * 3
    tags = struct.pack(">L4sLL", 1, b"A2B0", 128 + 16, len(table))
    header = struct.pack(">L4sL4s4s4s", 128 + 16 + len(table), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3L", 0x0000F6D6, 0x00010000, 0x0000D32D)
    return header.ljust(128, b"\0") + tags + table


def test_inks_are_converted_by_their_own_profile() -> None:
    cmyk = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    assert cmyk_to_rgb(cmyk).getpixel((0, 0)) == (0, 255, 255)
    # L* 53, a* 80, b* 67: the red of sRGB.
    cmyk.info["icc_profile"] = _profile_of_cmyk((136, 208, 195))
    red, green, blue = cmyk_to_rgb(cmyk).getpixel((0, 0))
    assert red > 240
    assert max(green, blue) < 25


def test_saving_is_all_or_nothing(photo: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept.png"
    kept.write_text("mine")
    with pytest.raises(ValueError, match="no picture format"):
        save_picture(photo, tmp_path / "a.docx")
    with pytest.raises(ValueError, match="no picture format"):
        save_picture(photo, tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="no transparency"):
        save_picture(photo.convert("RGBA"), tmp_path / "a.jpg")
    for suffix, side in ((".webp", 16383), (".jpg", 65500), (".avif", 65535)):
        with pytest.raises(ValueError, match=f"at most {side} pixels a side, found {side + 1}"):
            save_picture(Image.new("L", (side + 1, 1)), tmp_path / f"a{suffix}")

    def full(partial: Path, path: Path) -> None:
        # Hidden, and beside the file: a rename between disks would not be all or nothing.
        assert partial.parent == path.parent
        assert (partial.name[0], partial.suffix) == (".", ".part")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        save_picture(photo, kept)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("suffix", LOSSLESS + LOSSY)
def test_damaged_exif_data_do_not_cost_the_picture(photo: Image.Image, suffix: str) -> None:
    photo.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0\xff\xff garbage"
    data, notes = encode_picture(photo, suffix)
    assert _read(data).size == photo.size
    left_out = suffix in (".avif", ".tif", ".tiff")
    assert any("damaged" in note for note in notes) is left_out
    assert (b"garbage" in data) is not left_out


def test_noise_fits_into_a_jpeg_file() -> None:
    """Its file is larger than the room that Pillow's encoder has for optimizing."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x010E] = "x" * 30_000
    noise.info["exif"] = exif.tobytes()
    data, _ = encode_picture(noise, ".jpg")
    assert len(data) > 2 * 200 * 300
    with Image.open(io.BytesIO(data)) as image:
        assert np.abs(np.asarray(image, int) - np.asarray(noise, int)).mean() < 4
        assert image.getexif()[0x010E] == "x" * 30_000


def test_a_new_file_has_the_rights_of_any_other(photo: Image.Image, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_picture(photo, tmp_path / "a.png")
        (tmp_path / "b").touch()
    finally:
        after = os.umask(before)
    assert after == 0o027
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "b").stat().st_mode
    with Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as written:
        assert written.size == photo.size


def _large_profile() -> bytes:
    """A color profile of 1.2 MB: Pillow refuses PNG files with such."""
    data = PROFILE + np.random.default_rng(0).bytes(1_200_000)
    return struct.pack(">L", len(data)) + data[4:]


def test_what_is_written_with_a_large_profile_can_be_read_again(photo: Image.Image) -> None:
    profile = _large_profile()
    photo.info = {"icc_profile": profile, "xmp": b"<x/>"}
    for suffix in (".tiff", ".jpg", ".webp"):
        assert _read(encode_picture(photo, suffix)[0]).info["icc_profile"] == profile
    data, notes = encode_picture(photo, ".png")
    written = _read(data)
    assert "icc_profile" not in written.info
    assert written.info["xmp"] == b"<x/>"
    assert any("color profile" in note for note in notes)
    assert any("can look different" in note for note in notes)


@pytest.mark.parametrize(
    "info",
    [
        {"iptc": b"\x1c\x02x" + bytes(90_000)},
        {"photoshop": {0x07D0: Resource(b"Outline", bytes(200_000))}},
        {"gamma": 1e9},
        {"gamma": -1},
        {"chromaticity": (1, 2)},
        {"text": {"\u65e5": "no Latin-1 key"}},
        {"text": {"x" * 100: "too long a key"}},
        {"comment": b"\xff" * 100_000},
        {"exif": bytes(100_000)},
        {"icc_profile": b"short"},
    ],
)
@pytest.mark.parametrize("suffix", LOSSLESS + LOSSY)
def test_no_entry_of_the_metadata_costs_the_picture(photo: Image.Image, suffix: str, info: dict[str, object]) -> None:
    photo.info = info | {"xmp": b"<x/>"}
    data, _ = encode_picture(photo, suffix)
    assert _read(data).size == photo.size
    assert _read(data).info["xmp"] == b"<x/>"


def test_captions_of_more_than_a_segment_are_whole_in_a_jpeg(photo: Image.Image) -> None:
    photo.info = {"iptc": b"\x1c\x02x" + bytes(range(256)) * 500}
    data, notes = encode_picture(photo, ".jpg")
    assert kept_info(open_image(data), look_into(data))[0]["iptc"] == photo.info["iptc"]
    assert len(notes) == 1  # lossy


def test_a_comment_is_text_in_the_encoding_that_it_has(photo: Image.Image) -> None:
    for encoding in ("utf-8", "latin-1"):
        photo.info = {"comment": "Grüße".encode(encoding)}
        assert _read(encode_picture(photo, ".png")[0]).text["Comment"] == "Grüße"


def test_writing_leaves_the_warnings_of_the_process_alone(photo: Image.Image) -> None:
    exif = Exif()
    exif[0x013B] = "Ada"
    photo.info = {"exif": exif.tobytes()}
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda suffix: encode_picture(photo.copy(), suffix), [".tiff", ".avif"] * 20))
    assert list(warnings.filters) == before


def test_a_png_that_comes_with_a_large_profile_is_read_with_it(photo: Image.Image) -> None:
    buffer = io.BytesIO()
    photo.save(buffer, "PNG", icc_profile=_large_profile())
    with pytest.raises((ValueError, OSError)):
        Image.open(buffer).load()
    parts = take_apart(buffer)
    assert parts.info["icc_profile"] == _large_profile()
    assert np.array_equal(parts.samples.permute(1, 2, 0).numpy(), np.array(photo))


def test_jpeg_gets_all_that_its_segments_can_hold(photo: Image.Image) -> None:
    exif = Exif()
    exif[0x010E] = "x" * 90_000
    packet = xmp('dc:format="image/jpeg"', f"<dc:source>{'y' * 90_000}</dc:source>")
    photo.info = {"exif": exif.tobytes(), "xmp": packet}
    data, notes = encode_picture(photo, ".jpg")
    assert any("too large" in note and "Exif data" in note for note in notes)
    merged = kept_info(open_image(data), look_into(data))[0]["xmp"]
    assert b"y" * 90_000 in merged
    assert b'dc:format="image/jpeg"' in merged
    assert b"HasExtendedXMP" not in merged
    # A packet that cannot be split is left out.
    photo.info = {"xmp": b"no XML" * 20_000}
    data, notes = encode_picture(photo, ".jpg")
    assert _read(data).size == photo.size
    assert any("XMP" in note for note in notes)


def test_maker_notes_and_thumbnail_stay_where_they_are_in_avif(photo: Image.Image) -> None:
    tags = {"0th": {0x010F: b"Ada", 0x0112: 1}, "Exif": {0x927C: b"maker note"}, "Interop": {1: b"R98"}}
    photo.info["exif"] = exif = piexif.dump({**tags, "1st": {0x0103: 6}, "thumbnail": jpeg_bytes(photo)})
    data, notes = encode_picture(photo, ".avif")
    assert not any("thumbnail" in note for note in notes)
    with Image.open(io.BytesIO(data)) as written:
        found = written.info["exif"]
    expected = piexif.load(exif)
    for part in (b"maker note", expected["thumbnail"]):
        assert found.removeprefix(b"Exif\0\0").index(part) == exif.removeprefix(b"Exif\0\0").index(part)
    del expected["0th"][0x0112]
    assert piexif.load(b"Exif\0\0" + found.removeprefix(b"Exif\0\0")) == expected
