"""Coefficients read from the bits of files, against the samples that libjpeg decodes from the same files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.containers.opening import UnreadableImageError
from argan_hf.containers.segments import read_layout
from argan_hf.jpeg import read_jpeg
from argan_hf.jpeg.codec import decode_planes, encode_planes
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.color import rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.resampling import FACTORS, downsample
from tests.conftest import EXAMPLES, TEST_DATA, jpeg_bytes
from tests.jpeg.samples import decode_file

SAMPLINGS = ["4:4:4", "4:2:2", "4:2:0"]
RESTARTS = [{}, {"restart_marker_blocks": 1}, {"restart_marker_blocks": 7}, {"restart_marker_rows": 1}]
needs_data = pytest.mark.skipif(not TEST_DATA.is_dir(), reason="needs pictures that are not part of the repository")


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    with Image.open(EXAMPLES[0]) as image:
        return image.convert("RGB").crop((120, 140, 320, 300))


def _assert_read(data: bytes) -> tuple[np.ndarray, ...]:
    """The coefficients of a file, whose planes are those that libjpeg decodes."""
    found = read_coefficients(data)
    assert found is not None
    assert all(blocks.dtype == np.int16 for blocks in found)
    file = read_jpeg(data)
    assert torch.equal(decode_file(found, file), file.planes)
    return found


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 9), (39, 50), (100, 75)])
def test_planes_are_those_of_libjpeg(
    scene: Image.Image, size: tuple[int, int], subsampling: str, progressive: bool
) -> None:
    picture = scene.crop((0, 0, *size))
    for quality in (1, 40, 90, 100):
        _assert_read(jpeg_bytes(picture, quality=quality, subsampling=subsampling, progressive=progressive))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("subsampling", "factors", "name"),
    [("4:2:2", 0x12, "4:4:0"), ("4:2:0", 0x41, "4:1:1"), ("4:2:0", 0x14, "1x4,1x1,1x1")],
)
def test_samplings_that_pillow_does_not_write_are_read(
    scene: Image.Image, subsampling: str, factors: int, name: str, progressive: bool
) -> None:
    # At this size there are as many blocks in a group, and as many groups. The picture is another one.
    data = bytearray(jpeg_bytes(scene.crop((0, 0, 89, 61)), subsampling=subsampling, progressive=progressive))
    data[data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 11] = factors
    file, found = read_jpeg(bytes(data)), read_coefficients(bytes(data))
    assert file.sampling == name
    assert found is not None
    if name in FACTORS:
        assert torch.equal(decode_file(found, file), file.planes)
    assert torch.equal(decode_file(found[:1], replace(file, tables=file.tables[:1])), file.planes[:1])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("restarts", RESTARTS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_restart_markers_and_tables_of_a_file_change_nothing(
    scene: Image.Image, mode: str, restarts: dict[str, int], progressive: bool
) -> None:
    picture = scene.convert(mode).crop((0, 0, 75, 61))
    plain = read_coefficients(jpeg_bytes(picture, quality=85))
    for optimize in (False, True):
        data = jpeg_bytes(picture, quality=85, progressive=progressive, optimize=optimize, **restarts)
        found = _assert_read(data)
        assert plain is not None
        assert all(np.array_equal(one, other) for one, other in zip(found, plain, strict=True))


@pytest.mark.parametrize("quality", [1, 5, 20, 50, 75, 88, 93, 96, 98, 99, 100])
@pytest.mark.parametrize("progressive", [False, True])
def test_coefficients_are_those_that_an_encoder_writes(scene: Image.Image, quality: int, progressive: bool) -> None:
    data = jpeg_bytes(scene, quality=quality, progressive=progressive)
    found, file = read_coefficients(data), read_jpeg(data)
    planes = rgb_to_ycbcr(image_to_tensor(scene)[None])[0]
    small = downsample(planes[1:], "4:2:0")
    assert found is not None
    for blocks, plane, table in zip(found, (planes[0], *small), file.tables, strict=True):
        written = encode_planes(plane[None], table)[:, :, 0].permute(2, 3, 0, 1)
        assert torch.equal(torch.from_numpy(blocks).int(), written)


@pytest.mark.parametrize("progressive", [False, True])
def test_data_of_several_pieces_are_read(progressive: bool) -> None:
    # Noise fills every coefficient; a piece of the data is 64 KiB.
    noise = np.random.default_rng(1).integers(0, 256, (400, 520, 3), dtype=np.uint8)
    for restarts in ({}, {"restart_marker_blocks": 50}):
        data = jpeg_bytes(Image.fromarray(noise), quality=97, progressive=progressive, **restarts)
        assert len(data) > 3 << 16
        _assert_read(data)


def test_a_black_picture_has_runs_of_blocks(scene: Image.Image) -> None:
    # Progressive files say of thousands of blocks at once that they hold nothing.
    picture = Image.new("RGB", (1200, 1100))
    picture.paste(scene, (700, 800))
    found = _assert_read(jpeg_bytes(picture, quality=90, progressive=True))
    assert not found[0][:90, :, 1:].any()


def test_data_behind_the_picture_are_ignored(scene: Image.Image) -> None:
    data = jpeg_bytes(scene)
    found, more = read_coefficients(data), read_coefficients(data + data + b"\xff\xda" + bytes(99))
    assert found is not None
    assert more is not None
    assert all(np.array_equal(one, other) for one, other in zip(found, more, strict=True))


def test_fill_bytes_before_markers_are_skipped(scene: Image.Image) -> None:
    data = jpeg_bytes(scene.crop((0, 0, 64, 48)), restart_marker_blocks=2)
    filled = data.replace(b"\xff\xd0", b"\xff\xff\xff\xd0").replace(b"\xff\xd9", b"\xff\xff\xd9")
    assert len(filled) > len(data)
    _assert_read(filled)


def test_tables_of_the_standard_stand_for_missing_ones(scene: Image.Image) -> None:
    data = jpeg_bytes(scene, quality=60)
    tables = [segment for segment in read_layout(data).segments if segment.marker == 0xC4]
    without = data
    for segment in reversed(tables):
        without = without[: segment.start - 4] + without[segment.end :]
    assert tables
    _assert_read(without)


def test_components_in_scans_of_their_own_are_read(scene: Image.Image) -> None:
    # A file of three components at full size, put together from three gray files.
    planes = [jpeg_bytes(part, quality=70) for part in scene.crop((0, 0, 45, 70)).split()]
    start, *_ = planes
    layouts = [read_layout(data) for data in planes]
    frame = next(segment for segment in layouts[0].segments if segment.marker == 0xC0)
    sizes = start[frame.start : frame.start + 5]
    components = b"".join(bytes((identifier, 0x11, 0)) for identifier in (1, 2, 3))
    parts = [start[: frame.start - 2], b"\0\x11", sizes, b"\3", components]
    first_scan = next(segment for segment in layouts[0].segments if segment.marker == 0xDA)
    parts.append(start[frame.end : first_scan.start - 4])
    for identifier, (data, layout) in enumerate(zip(planes, layouts, strict=True), 1):
        scan = next(segment for segment in layout.segments if segment.marker == 0xDA)
        parts += [b"\xff\xda\0\x08\1", bytes((identifier,)), b"\0\0\x3f\0", data[scan.end : layout.stop]]
    found = _assert_read(b"".join(parts) + b"\xff\xd9")
    for blocks, data in zip(found, planes, strict=True):
        alone = read_coefficients(data)
        assert alone is not None
        assert np.array_equal(blocks, alone[0])
    assert read_coefficients(b"".join(parts[:-4]) + b"\xff\xd9") is None


def test_four_components_are_read(scene: Image.Image) -> None:
    found = read_coefficients(jpeg_bytes(scene.convert("CMYK"), quality=80))
    assert found is not None
    assert [blocks.shape for blocks in found] == [(20, 25, 8, 8)] * 4


def _odd_files() -> list[Path]:
    folders = sorted((TEST_DATA / "odd").glob("*")) if TEST_DATA.is_dir() else []
    return [
        path
        for folder in folders
        if folder.name.startswith(("jpeg_", "real_jpeg", "fuzz_jpeg", "gofuzz_clean"))
        for path in sorted(folder.iterdir())
        if path.is_file() and path.read_bytes()[:2] == b"\xff\xd8"
    ]


@needs_data
def test_odd_files_are_read_as_libjpeg_does_or_not_at_all() -> None:
    files = _odd_files()
    compared = 0
    for path in files:
        data = path.read_bytes()
        found = read_coefficients(data)
        folder = path.parent.name
        if folder in ("jpeg_gray", "jpeg_extended_sof1", "real_jpeg_quality") or folder.startswith("jpeg_samp"):
            assert found is not None
        elif folder in ("fuzz_jpeg_err", "jpeg_arithmetic", "jpeg_broken", "jpeg_high_precision", "jpeg_lossless_sof3"):
            assert found is None
        if found is None:
            continue
        try:
            file = read_jpeg(data)
        except UnreadableImageError:
            continue
        height, width = file.planes.shape[1:]
        if file.sampling in FACTORS or file.sampling == "gray":
            compared += 1
            assert torch.equal(decode_file(found, file), file.planes)
        elif found[0].shape[:2] == (-(-height // 8), -(-width // 8)):
            # Chroma is upsampled by factors that the codec does not know; luma is whole.
            quantized = torch.from_numpy(found[0]).permute(2, 3, 0, 1)[:, :, None].int()
            assert torch.equal(decode_planes(quantized, file.tables[0], height, width)[0], file.planes[0])
    assert compared >= min(len(files), 20)


def test_coefficients_are_those_of_another_reader(scene: Image.Image, tmp_path: Path) -> None:
    jpeglib = pytest.importorskip("jpeglib")
    path = tmp_path / "picture.jpg"
    for subsampling in SAMPLINGS:
        for progressive in (False, True):
            scene.crop((0, 0, 83, 101)).save(path, quality=88, subsampling=subsampling, progressive=progressive)
            truth, found = jpeglib.read_dct(str(path)), read_coefficients(path.read_bytes())
            assert found is not None
            for blocks, expected in zip(found, (truth.Y, truth.Cb, truth.Cr), strict=True):
                assert np.array_equal(blocks, expected)
