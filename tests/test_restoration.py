import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps
from PIL.Image import Exif

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer, UnreadableImageError, restore
from argan_hf.containers.opening import open_image
from argan_hf.jpeg.coefficients import read_coefficients
from tests.conftest import jpeg_bytes, scramble
from tests.containers.test_opening import giant_jpeg

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def restorer(model: ArganForImageRestoration) -> JpegRestorer:
    return JpegRestorer(model, device="cpu")


def _pixels(image: Image.Image) -> np.ndarray:
    return np.array(image).astype(int)


def _exif(**tags: int | str) -> Exif:
    exif = Exif()
    for tag, value in tags.items():
        exif[{"orientation": 0x0112, "artist": 0x013B}[tag]] = value
    return exif


def test_path_bytes_and_string_give_the_same(restorer: JpegRestorer, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "é 日本.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=20))
    first = restorer(path)
    assert first.image.size == photo.size
    for source in (str(path), path.read_bytes()):
        assert np.array_equal(_pixels(restorer(source).image), _pixels(first.image))


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "P", "1", "CMYK"])
def test_no_strength_gives_the_picture_back(restorer: JpegRestorer, photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    restored = restorer(image, strength=0.0).image
    assert restored.mode == {"P": "RGB", "1": "L"}.get(mode, mode)
    assert np.array_equal(_pixels(restored), _pixels(image.convert(restored.mode)))


@pytest.mark.parametrize("options", [{"quality": 5}, {"quality": 90, "subsampling": 0}, {"progressive": True}])
def test_no_strength_gives_the_decoded_file_back(
    restorer: JpegRestorer, photo: Image.Image, options: dict[str, object]
) -> None:
    for image in (photo, photo.convert("L")):
        data = jpeg_bytes(image, **options)
        assert np.array_equal(_pixels(restorer(data, strength=0.0).image), _pixels(open_image(data)))


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("faithful", [True, False])
def test_tiles_make_the_picture_that_the_whole_makes(
    model: ArganForImageRestoration, photo: Image.Image, mode: str, options: dict[str, object], faithful: bool
) -> None:
    data = jpeg_bytes(photo.convert(mode), quality=30, **options)
    whole = JpegRestorer(model, "cpu", dtype=torch.float32)(data, strength=0.7, faithful=faithful)
    for tile_size in (32, 100):
        ticks: list[tuple[int, int]] = []
        tiled = JpegRestorer(model, "cpu", tile_size=tile_size, dtype=torch.float32)(
            data, strength=0.7, faithful=faithful, progress=lambda *counts, ticks=ticks: ticks.append(counts)
        )
        # Sums in another order round another way, so a sample on the edge between two levels may fall to either side.
        difference = np.abs(_pixels(tiled.image) - _pixels(whole.image))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3
        if faithful and mode != "CMYK":
            assert tiled.report.consistency is not None
            assert whole.report.consistency is not None
            assert asdict(tiled.report.consistency) == pytest.approx(asdict(whole.report.consistency), abs=1e-3)
        else:
            assert tiled.report.consistency is None
        assert ticks[-1] == (len(ticks), len(ticks))
        assert len(ticks) >= 3


@pytest.mark.parametrize("as_file", [True, False])
def test_gray_in_three_planes_stays_gray(residual_config: ArganConfig, photo: Image.Image, as_file: bool) -> None:
    restorer = JpegRestorer(scramble(ArganForImageRestoration(residual_config)), "cpu")
    gray = photo.convert("L").convert("RGB")
    restored = restorer(jpeg_bytes(gray, quality=20) if as_file else gray)
    pixels = _pixels(restored.image)
    assert restored.report.restored_planes == "Y"
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert not np.array_equal(pixels, _pixels(gray))
    assert restorer(photo).report.restored_planes == "Y, Cb, Cr"


def test_strength_blends(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("L"), quality=30)
    none, half, full = (_pixels(restorer(data, strength=s, faithful=False).image) for s in (0.0, 0.5, 1.0))
    assert not np.array_equal(none, full)
    assert np.abs(half - (none + full) / 2).max() <= 1


def test_a_luma_network_leaves_chroma_alone(plain_config: ArganConfig, photo: Image.Image) -> None:
    network = scramble(ArganForImageRestoration(plain_config))
    restorer = JpegRestorer(network, device="cpu")
    report = restorer(jpeg_bytes(photo, quality=10)).report
    assert report.restored_planes == "Y"
    # One delta is added to all three channels wherever none of them is clipped.
    with torch.no_grad():
        network.unet.head.weight.zero_()
        network.unet.head.bias.fill_(0.5)
    data = jpeg_bytes(Image.new("RGB", (32, 32), (120, 110, 130)), quality=50)
    before, after = _pixels(open_image(data)), _pixels(restorer(data).image)
    delta = after - before
    assert np.abs(delta - delta[..., :1]).max() <= 1


def test_gray_stays_gray(restorer: JpegRestorer, photo: Image.Image) -> None:
    assert restorer(jpeg_bytes(photo.convert("L"))).image.mode == "L"
    assert restorer(photo.convert("LA")).image.mode == "LA"


def test_alpha_is_untouched(restorer: JpegRestorer, photo: Image.Image) -> None:
    alpha = Image.fromarray(np.random.default_rng(0).integers(0, 256, photo.size[::-1], dtype=np.uint8))
    photo.putalpha(alpha)
    assert np.array_equal(_pixels(restorer(photo).image.getchannel("A")), _pixels(alpha))


def test_profile_and_exif_are_kept(restorer: JpegRestorer, photo: Image.Image, tmp_path: Path) -> None:
    data = jpeg_bytes(photo, icc_profile=PROFILE, exif=_exif(artist="Ada"), dpi=(300, 300))
    for name in ("a.png", "a.webp", "a.tiff", "a.jpg"):
        restorer(data, history=False).save(tmp_path / name)
        with Image.open(tmp_path / name) as saved:
            assert saved.info["icc_profile"] == PROFILE
            assert saved.getexif()[0x013B] == "Ada"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_comes_out_upright(restorer: JpegRestorer, photo: Image.Image, orientation: int) -> None:

    data = jpeg_bytes(photo, exif=_exif(orientation=orientation))
    restored = restorer(data, strength=0.0).image
    expected = ImageOps.exif_transpose(open_image(data))
    assert np.array_equal(_pixels(restored), _pixels(expected))
    assert restored.getexif().get(0x0112, 1) == 1


def test_orientation_is_kept_by_choice(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo, exif=_exif(orientation=6))
    restored = restorer(data, strength=0.0, keep_orientation=True).image
    assert np.array_equal(_pixels(restored), _pixels(open_image(data)))
    assert restored.info["exif"] == open_image(data).info["exif"]


def test_what_is_larger_than_the_limit_is_refused(model: ArganForImageRestoration, photo: Image.Image) -> None:
    restorer = JpegRestorer(model, device="cpu", max_megapixels=0.03)
    with pytest.raises(UnreadableImageError, match=r"more than the limit of 0\.03"):
        restorer(jpeg_bytes(photo))
    assert restorer(photo).image.size == photo.size


def test_small_tiles_change_nothing(model: ArganForImageRestoration, photo: Image.Image) -> None:
    data = jpeg_bytes(photo, quality=20)
    # In bfloat16 the weights of no training multiply differences of rounding.
    whole = JpegRestorer(model, device="cpu", dtype=torch.float32)(data, faithful=False).image
    tiled = JpegRestorer(model, device="cpu", dtype=torch.float32, tile_size=50)(data, faithful=False).image
    assert np.abs(_pixels(whole) - _pixels(tiled)).max() <= 1


@pytest.mark.parametrize("arguments", [{"tile_size": 0}, {"max_megapixels": 0.0}])
def test_limits_must_be_positive(model: ArganForImageRestoration, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        JpegRestorer(model, device="cpu", **arguments)


def test_the_second_picture_of_a_file_is_not_dropped_without_a_word(restorer: JpegRestorer, photo: Image.Image) -> None:
    for kind, options in (("GIF", {}), ("TIFF", {}), ("PNG", {}), ("WEBP", {"lossless": True})):
        buffer = io.BytesIO()
        photo.save(buffer, kind, save_all=True, append_images=[photo.transpose(Image.Transpose.ROTATE_180)], **options)
        restored = restorer(buffer.getvalue(), strength=0.0)
        assert "only one of them" in restored.report.notes[0]
        expected = open_image(buffer.getvalue()).convert("RGB")
        assert np.array_equal(_pixels(restored.image.convert("RGB")), _pixels(expected))
    assert restorer(jpeg_bytes(photo), history=False).report.notes == ()


def test_the_report_tells_what_was_found(restorer: JpegRestorer, photo: Image.Image) -> None:
    conditioned = restorer.model.config.condition_on_quantization
    report = restorer(jpeg_bytes(photo, quality=35)).report
    assert (report.width, report.height, report.format) == (*photo.size, "JPEG")
    assert (report.quality, report.sampling, report.conditioned) == (35, "4:2:0", conditioned)
    assert report.to_dict()["notes"] == []
    overridden = restorer(jpeg_bytes(photo, quality=35), quality=10).report
    assert overridden.quality == 10
    assert bool(overridden.notes) is not conditioned
    assert restorer(photo).report.quality is None


def test_a_conditioned_network_is_told_the_tables(residual_config: ArganConfig, photo: Image.Image) -> None:
    restorer = JpegRestorer(scramble(ArganForImageRestoration(residual_config)), device="cpu")
    data = jpeg_bytes(photo, quality=35)
    own, given, other = restorer(data), restorer(data, quality=35), restorer(data, quality=5)
    assert np.array_equal(_pixels(own.image), _pixels(given.image))
    assert not np.array_equal(_pixels(own.image), _pixels(other.image))


def test_tiles_make_the_whole_with_two_threads_as_well(residual_config: ArganConfig, photo: Image.Image) -> None:
    model = scramble(ArganForImageRestoration(residual_config))
    data, threads = jpeg_bytes(photo, quality=30), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        whole, tiled = (JpegRestorer(model, "cpu", tile_size=size, dtype=torch.float32)(data) for size in (1280, 64))
    finally:
        torch.set_num_threads(threads)
    difference = np.abs(_pixels(tiled.image) - _pixels(whole.image))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_a_jpeg_stored_as_rgb_is_restored(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo, quality=60, keep_rgb=True)
    assert np.array_equal(_pixels(restorer(data, strength=0.0).image), _pixels(open_image(data)))


def test_cmyk_stays_cmyk(restorer: JpegRestorer, photo: Image.Image) -> None:
    # As print houses make it: black ink in place of what the three colors share.
    light = photo.convert("L")
    cmyk = Image.merge("CMYK", (*photo.convert("CMYK").split()[:3], light.point(lambda value: (255 - value) // 2)))
    data = jpeg_bytes(cmyk, quality=15, icc_profile=PROFILE)
    untouched = restorer(data, strength=0.0).image
    assert untouched.mode == "CMYK"
    assert np.array_equal(_pixels(untouched), _pixels(open_image(data)))
    restored = restorer(data).image
    assert restored.info["icc_profile"] == PROFILE
    changed = np.abs(_pixels(restored) - _pixels(untouched)).mean(axis=(0, 1))
    assert (changed > 0).all()


def test_the_shipped_network_improves_every_ink(photo: Image.Image) -> None:
    light = photo.convert("L")
    cmyk = Image.merge("CMYK", (*photo.convert("CMYK").split()[:3], light.point(lambda value: (255 - value) // 2)))
    data = jpeg_bytes(cmyk, quality=10)
    error = [
        np.square(_pixels(image) - _pixels(cmyk)).mean(axis=(0, 1)) for image in (open_image(data), restore(data).image)
    ]
    assert (error[1] < 0.97 * error[0]).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda photo: b"", "empty"),
        (lambda photo: b"hello", "not a picture"),
        (lambda photo: jpeg_bytes(photo)[:2000], "ends early"),
        (lambda photo: giant_jpeg(), "megapixels"),
        (lambda photo: Image.new("F", (4, 4)), "8 bits per channel"),
        (lambda photo: Image.new("RGB", (0, 4)), "no pixels: it is 0x4"),
        (lambda photo: np.zeros((3, 0, 3), np.uint8), "no pixels: it is 0x3"),
        (lambda photo: io.StringIO("hello"), "open for reading text"),
    ],
)
def test_what_cannot_be_restored_is_refused_in_words(
    restorer: JpegRestorer, photo: Image.Image, make: Callable[[Image.Image], bytes | Image.Image], words: str
) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        restorer(make(photo))


@pytest.mark.parametrize("arguments", [{"quality": 0}, {"quality": 101}, {"strength": -0.1}, {"strength": 1.5}])
def test_arguments_out_of_range_are_refused(
    restorer: JpegRestorer, photo: Image.Image, arguments: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        restorer(photo, **arguments)


def test_the_shipped_network_improves_a_jpeg(photo: Image.Image) -> None:
    restored = restore(jpeg_bytes(photo, quality=10)).image
    before = open_image(jpeg_bytes(photo, quality=10))
    error = [np.square(_pixels(image) - _pixels(photo)).mean() for image in (before, restored)]
    assert error[1] < 0.97 * error[0]


def test_a_missing_checkpoint_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing-here"):
        JpegRestorer.from_pretrained(tmp_path / "nothing-here")


def test_a_pillow_picture_with_a_pending_file_is_not_touched(restorer: JpegRestorer, photo: Image.Image) -> None:
    opened = Image.open(io.BytesIO(jpeg_bytes(photo, quality=44)))
    assert restorer(opened).report.quality == 44
    assert opened.mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_faithful_result_encodes_to_the_file_again(photo: Image.Image, mode: str) -> None:
    data = jpeg_bytes(photo.convert(mode), quality=40)
    faithful = restore(data)
    free = restore(data, faithful=False)
    stored = read_coefficients(data)
    assert stored is not None

    def shares(image: Image.Image) -> list[float]:
        again = read_coefficients(jpeg_bytes(image, quality=40))
        assert again is not None
        return [float((one == other).mean()) for one, other in zip(again, stored, strict=True)]

    assert faithful.report.consistency is not None
    assert shares(faithful.image)[0] == faithful.report.consistency.luma_coefficients
    assert min(shares(faithful.image)) > 0.999
    assert min(shares(free.image)) < min(shares(faithful.image))
    assert free.report.consistency is None
    assert restore(photo).report.consistency is None


def test_a_weak_faithful_result_is_faithful_too(photo: Image.Image) -> None:
    consistency = restore(jpeg_bytes(photo, quality=30), strength=0.3).report.consistency
    assert min(asdict(consistency).values()) > 0.999


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "PNG with alpha"])
def test_a_reconstruction_spares_the_network_and_changes_nothing(
    model: ArganForImageRestoration, photo: Image.Image, mode: str
) -> None:
    if mode == "PNG with alpha":
        transparent = photo.copy()
        transparent.putalpha(photo.getchannel("G"))
        buffer = io.BytesIO()
        transparent.save(buffer, "PNG")
        data = buffer.getvalue()
    else:
        data = jpeg_bytes(photo.convert(mode), quality=20, exif=_exif(orientation=6))
    restorer = JpegRestorer(model, device="cpu", tile_size=64)
    seen: list[tuple[int, int]] = []
    planes = restorer.reconstruct(data, progress=lambda *tiles: seen.append(tiles))
    assert seen[-1][0] == seen[-1][1] == len(seen) > 1
    results = [
        restorer(data, strength=strength, faithful=faithful) for strength in (0.3, 1.0) for faithful in (True, False)
    ]
    model.forward = None  # type: ignore[assignment]  (the network must not run again)
    for expected in results:
        strength = expected.report.strength
        again = restorer(
            data, strength=strength, faithful=expected.report.consistency is not None, reconstruction=planes
        )
        assert np.array_equal(_pixels(again.image), _pixels(expected.image))
        assert again.report.consistency == expected.report.consistency


def test_a_reconstruction_of_another_picture_is_refused(restorer: JpegRestorer, photo: Image.Image) -> None:
    planes = restorer.reconstruct(photo.crop((0, 0, 40, 24)))
    with pytest.raises(ValueError, match=r"has shape \(\d, 24, 40\) .*, expected \(\d, 153, 207\)"):
        restorer(photo, reconstruction=planes)
    with pytest.raises(ValueError, match=r"expected .* and torch\.float32"):
        restorer(photo, reconstruction=restorer.reconstruct(photo).half())
