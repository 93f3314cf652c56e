"""Pictures of 16 bits per channel: nothing of a sample is lost on the way that the network does not change."""

import io
import struct
from pathlib import Path

import numpy as np
import png as pypng
import pytest
import tifffile
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer, UnreadableImageError
from argan_hf.containers.opening import open_image
from argan_hf.metadata import kept_info
from tests.conftest import deep_files, jpeg_bytes, scramble
from tests.containers.files import PROFILE, exif, resource, xmp

CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _samples(channels: int, size: tuple[int, int] = (37, 53)) -> np.ndarray:
    """Every bit is used; no two channels are equal."""
    return np.random.default_rng(channels).integers(0, 65536, (*size, channels)).astype(np.uint16)


def _smooth(channels: int) -> np.ndarray:
    """A slow gradient: 8 bits would have 20 levels."""
    rows, columns = np.mgrid[:64, :96]
    base = 20_000 + 30 * rows + 20 * columns
    return np.stack([base + 500 * channel for channel in range(channels)], 2).astype(np.uint16)


def _write_png(samples: np.ndarray, **options: object) -> bytes:
    """With another library than the one that is tested."""
    height, width, channels = samples.shape
    buffer = io.BytesIO()
    writer = pypng.Writer(width, height, greyscale=channels < 3, alpha=channels in (2, 4), bitdepth=16, **options)
    writer.write(buffer, samples.reshape(height, -1).tolist())
    return buffer.getvalue()


def _read_png(data: bytes) -> np.ndarray:
    width, height, rows, info = pypng.Reader(bytes=data).read()
    assert info["bitdepth"] == 16
    return np.array([list(row) for row in rows], np.uint16).reshape(height, width, -1)


def _write_tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    extra = {"extrasamples": ["unassalpha"]} if samples.shape[2] in (2, 4) else {}
    photometric = options.pop("photometric", "rgb" if samples.shape[2] > 2 else "minisblack")
    stored = samples.squeeze(2) if samples.shape[2] == 1 else samples
    planes = options.get("planarconfig") == "separate"
    stored = np.moveaxis(stored, 2, 0) if planes else stored
    tifffile.imwrite(buffer, stored, photometric=photometric, metadata=None, **extra, **options)
    return buffer.getvalue()


def _read_tiff(data: bytes) -> np.ndarray:
    found = tifffile.imread(io.BytesIO(data))
    assert found.dtype == np.uint16
    return found.reshape(*found.shape[:2], -1)


@pytest.fixture(scope="module", params=[1, 3], ids=["luma", "color"])
def restorer(request: pytest.FixtureRequest) -> JpegRestorer:
    config = ArganConfig(
        num_channels=request.param, block_type="residual", hidden_sizes=(8, 8), depths=(1, 1), patch_size=2
    )
    return JpegRestorer(scramble(ArganForImageRestoration(config)), device="cpu")


@pytest.mark.parametrize("channels", CHANNELS)
def test_a_picture_that_is_not_changed_keeps_every_bit(restorer: JpegRestorer, channels: int) -> None:
    samples = _samples(channels)
    sources = {
        "PNG": _write_png(samples),
        "PNG in seven passes": _write_png(samples, interlace=True),
        "TIFF": _write_tiff(samples),
        "TIFF of another byte order": _write_tiff(samples, byteorder=">"),
        "TIFF compressed": _write_tiff(samples, compression="lzw", predictor=True, rowsperstrip=7),
        "TIFF in tiles": _write_tiff(samples, tile=(16, 32), compression="zlib"),
    }
    if channels == 1:
        sources["TIFF with white as 0"] = _write_tiff(65535 - samples, photometric="miniswhite")
        sources["PGM"] = b"P5\n# a view\n53 37\n65535\n" + samples.astype(">u2").tobytes()
    if channels == 3:
        sources["TIFF in planes"] = _write_tiff(samples, planarconfig="separate")
        sources["PPM"] = b"P6 53 37 65535\n" + samples.astype(">u2").tobytes()
    if channels == 2:
        sources = {"PNG": sources["PNG"]}  # Pillow opens no such TIFF file.
    as_tiff = samples[:, :, [0, 0, 0, 1]] if channels == 2 else samples
    for name, data in sources.items():
        restored = restorer(data, strength=0.0)
        assert restored.samples is not None, name
        assert np.array_equal(restored.samples, samples), name
        assert restored.image.mode == CHANNELS[channels]
        assert np.array_equal(_read_png(restored.encode(".png")[0]), samples), name
        assert np.array_equal(_read_tiff(restored.encode(".tiff")[0]), as_tiff), name
        # Others read the files, too.
        opened = open_image(restored.encode(".tiff")[0])
        assert opened.size == (53, 37)
    for array in (samples, samples.astype(">u2"), *([samples.squeeze(2)] if channels == 1 else [])):
        assert np.array_equal(restorer(array, strength=0.0).samples, samples)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_restored_picture_has_the_levels_between_those_of_8_bits(restorer: JpegRestorer, channels: int) -> None:
    restored = restorer(_write_png(_smooth(channels)), strength=0.01)
    assert restored.samples is not None
    assert len(np.unique(restored.samples[:, :, 0])) > 1500
    assert len(np.unique(np.array(restored.image).reshape(64, 96, -1)[:, :, 0])) < 60


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_8_bits_in_16_are_restored_as_8_bits_are(restorer: JpegRestorer, photo: Image.Image, mode: str) -> None:
    picture = photo.convert(mode)
    samples = np.array(picture).reshape(*picture.size[::-1], -1).astype(np.uint16) * 257
    deep, plain = restorer(_write_png(samples)), restorer(picture)
    difference = np.abs(np.array(deep.image).astype(int) - np.array(plain.image))
    # The constants of libjpeg, which 8 bits get, are rounded.
    assert difference.max() <= (0 if mode == "L" else 1)
    assert (difference > 0).mean() < 0.001
    assert deep.image.mode == mode
    assert (deep.report.bits, plain.report.bits) == (16, 8)


def test_a_jpeg_that_became_16_bits_shows_its_save(photo: Image.Image) -> None:
    restorer = JpegRestorer.from_pretrained("argan-jpeg-color", device="cpu")
    once = np.array(Image.open(io.BytesIO(jpeg_bytes(photo, quality=20))))
    plain = restorer.find_history(Image.fromarray(once))
    assert plain.first is not None
    assert restorer.find_history(_write_png(once.astype(np.uint16) * 257)) == plain


def test_gray_in_three_channels_stays_gray_to_the_last_bit(restorer: JpegRestorer) -> None:
    samples = _samples(1).repeat(3, 2)
    restored = restorer(_write_png(samples)).samples
    assert restored is not None
    assert np.array_equal(restored, restored[:, :, :1].repeat(3, 2))
    assert not np.array_equal(restored, samples)


def test_tiles_give_what_the_whole_gives(restorer: JpegRestorer) -> None:
    small = JpegRestorer(restorer.model, device="cpu", tile_size=16)
    data = _write_png(_smooth(3))
    tiled, whole = small(data).samples, restorer(data).samples
    assert tiled is not None
    assert whole is not None
    # Kernels sum in another order at other sizes.
    assert np.abs(tiled.astype(int) - whole).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_pillow_turns_8_bits(restorer: JpegRestorer, orientation: int) -> None:
    samples = _samples(3)
    data = _write_tiff(samples, extratags=[(274, "H", 1, orientation, True)])
    from_tiff = restorer(data, strength=0.0)
    assert from_tiff.samples is not None
    buffer = io.BytesIO()
    eight = Image.fromarray((samples >> 8).astype(np.uint8))
    tags = Image.Exif()
    tags[0x0112] = orientation
    eight.save(buffer, "TIFF", exif=tags)
    expected = np.array(Image.open(buffer))
    assert np.array_equal((from_tiff.samples >> 8).astype(np.uint8), expected)
    assert (from_tiff.report.width, from_tiff.report.height) == expected.shape[1::-1]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("tag", "said"), [(6, 6), (3, 3), (1, 6), (None, 6), (6, 1)])
def test_a_tiff_is_turned_once_whatever_its_xmp_says(
    restorer: JpegRestorer, bits: int, tag: int | None, said: int
) -> None:
    samples = _samples(3) >> (16 - bits)
    packet = xmp(f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{said}" dc:format="image/tiff"')
    tags = [(700, "B", len(packet), packet, True)] + ([(274, "H", 1, tag, True)] if tag else [])
    restored = restorer(
        _write_tiff(samples.astype(np.uint16 if bits == 16 else np.uint8), extratags=tags), strength=0.0
    )
    turned = said if tag is None else tag
    assert restored.image.size == ((37, 53) if turned == 6 else (53, 37))
    assert b'tiff:Orientation="1"' in restored.image.info["xmp"] or b"Orientation" not in restored.image.info["xmp"]


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_tiff_that_pillow_opened_is_turned_once(restorer: JpegRestorer, orientation: int, loaded: bool) -> None:
    data = _write_tiff(_samples(1), extratags=[(274, "H", 1, orientation, True)])
    picture = Image.open(io.BytesIO(data))
    if loaded:
        picture.load()
    expected = restorer(data, strength=0.0).samples
    assert np.array_equal(restorer(picture, strength=0.0).samples, expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("stated_by", ["tag", "XMP"])
def test_what_does_not_fit_a_turned_tiff_is_left_out(restorer: JpegRestorer, bits: int, stated_by: str) -> None:
    samples = (_samples(3) >> (16 - bits)).astype(np.uint16 if bits == 16 else np.uint8)
    faces = '<mwg:Regions xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"><rdf:Bag/></mwg:Regions>'
    stated = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:ImageWidth="53"'
    packet, path = xmp(stated, faces), resource(0x07D0, b"a path " * 4)
    tags = [(700, "B", len(packet), packet, True), (34377, "B", len(path), path, True)]
    tags += [(274, "H", 1, 6, True)] if stated_by == "tag" else []
    data = _write_tiff(samples, extratags=tags, resolution=(100, 200), resolutionunit=2)
    restored = restorer(data, strength=0.0)
    assert restored.image.size == (37, 53)
    assert "photoshop" not in restored.image.info
    assert b"Regions" not in restored.image.info["xmp"]
    assert b'tiff:ImageWidth="37"' in restored.image.info["xmp"]
    assert [float(density) for density in restored.image.info["dpi"]] == [200, 100]
    assert ["faces" in note for note in restored.report.notes] == [True, False]
    assert "clipping path" in restored.report.notes[1]


def test_another_channel_of_a_tiff_is_no_alpha(restorer: JpegRestorer) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, _samples(4), photometric="rgb", extrasamples=["unspecified"], metadata=None)
    restored = restorer(buffer.getvalue(), strength=0.0)
    assert restored.image.mode == "RGB"
    assert np.array_equal(restored.samples, _samples(4)[:, :, :3])


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_tiff_that_lacks_strips_is_refused(restorer: JpegRestorer, compression: str | None) -> None:
    data = bytearray(_write_tiff(_samples(1), compression=compression, rowsperstrip=8))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages.first.tags["ImageLength"]
    data[tag.valueoffset : tag.valueoffset + 2] = struct.pack("<H", 20_000)
    with pytest.raises(UnreadableImageError, match="a part of its pixels is missing"):
        restorer(bytes(data))


def test_profile_exif_and_texts_are_in_the_file(restorer: JpegRestorer, tmp_path: Path) -> None:
    restored = restorer(_write_png(_smooth(3)), strength=0.0)
    restored.image.info |= {"icc_profile": PROFILE, "exif": exif(), "text": {"Title": "a view"}, "dpi": (300, 300)}
    for suffix in (".png", ".tiff"):
        restored.save(tmp_path / f"a{suffix}")
        with open_image(tmp_path / f"a{suffix}") as written:
            found, _ = kept_info(written)
        assert found["icc_profile"] == PROFILE
        tags = Image.Exif()
        tags.load(found["exif"])
        assert tags[0x013B] == "Ada Lovelace"
        assert [round(float(density)) for density in found["dpi"]] == [300, 300]
        assert ("text" in found) is (suffix == ".png")
    assert np.array_equal(_read_png((tmp_path / "a.png").read_bytes()), _smooth(3))


def test_formats_of_8_bits_say_what_is_lost(restorer: JpegRestorer) -> None:
    restored = restorer(_write_png(_smooth(3)), strength=0.0)
    for suffix in (".jpg", ".webp", ".avif"):
        assert any("has 16 bits per channel" in note for note in restored.encode(suffix)[1])
    expected = (_smooth(3).astype(int) + 128) // 257
    assert np.array_equal(np.array(Image.open(io.BytesIO(restored.encode(".webp")[0]))), expected)


@pytest.mark.parametrize("kind", ["PGM", "TIFF"])
def test_samples_of_12_bits_are_scaled(restorer: JpegRestorer, kind: str) -> None:
    samples = np.array([[0, 1, 2048, 4095]])
    if kind == "PGM":
        data = b"P5 4 1 4095 " + samples.astype(">u2").tobytes()
    else:
        packed = int("".join(f"{value:012b}" for value in samples[0]), 2).to_bytes(6, "big")
        tags = [(256, 4), (257, 1), (258, 12), (259, 1), (262, 1), (273, 200), (277, 1), (278, 1), (279, 6)]
        entries = b"".join(struct.pack("<HHLL", tag, 3 if tag != 273 else 4, 1, value) for tag, value in tags)
        data = (b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(4)).ljust(200, b"\0") + packed
    restored = restorer(data, strength=0.0)
    assert restored.samples is not None
    assert restored.samples.flatten().tolist() == [round(value / 4095 * 65535) for value in samples[0]]


@pytest.mark.parametrize("name", deep_files())
def test_every_kind_is_restored_or_refused_in_words(restorer: JpegRestorer, name: str) -> None:
    data = deep_files()[name]
    if name == "p3.ppm":
        with pytest.raises(UnreadableImageError, match="in digits is not read; convert it to PNG"):
            restorer(data)
    else:
        assert restorer(data).samples is not None
    if name == "p2.pgm":
        return  # A digit less is another number.
    with pytest.raises(UnreadableImageError):
        restorer(data[:-1] if name.endswith("m") else data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    ("samples", "options", "words"),
    [
        (_samples(4), {"photometric": "separated"}, "neither gray nor RGB"),
        (
            _samples(3).astype(np.float32),
            {},
            "a TIFF with 32-bit floating-point samples, 3 channels, which is not read",
        ),
        (_samples(1).astype(np.float32), {"photometric": "minisblack"}, "32-bit floating-point samples"),
        (_samples(3).astype(np.float16), {}, "16-bit floating-point samples"),
        (_samples(1).astype(np.int16), {"photometric": "minisblack"}, "16-bit signed samples"),
        (_samples(1).astype(np.uint32), {"photometric": "minisblack"}, "32-bit samples"),
        (_samples(3), {"photometric": "cielab"}, "16-bit samples in Lab|neither gray nor RGB"),
    ],
)
def test_other_deep_pictures_are_refused_in_words(
    restorer: JpegRestorer, samples: np.ndarray, options: dict[str, object], words: str
) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, metadata=None, **{"photometric": "rgb"} | options)
    with pytest.raises(UnreadableImageError, match=words):
        restorer(buffer.getvalue())


def test_colors_multiplied_by_alpha_are_refused(restorer: JpegRestorer) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, _samples(4), photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    with pytest.raises(UnreadableImageError, match="multiplied by its alpha"):
        restorer(buffer.getvalue())
