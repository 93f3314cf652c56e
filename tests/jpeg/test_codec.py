"""The codec's one promise: not a single sample differs from Pillow."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import compress, compress_plane, compress_ycbcr, quantization_tables, read_jpeg, rgb_to_ycbcr
from argan_hf.jpeg.codec import decode_planes, encode_planes
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.resampling import Subsampling, SubsamplingGroups
from tests.conftest import EXAMPLES, jpeg_bytes

MODES = ("gray", "4:2:0", "4:2:2", "4:4:4")


def _image(picture: Tensor) -> Image.Image:
    return Image.fromarray(picture.permute(1, 2, 0).squeeze(2).numpy())


def _pillow(picture: Tensor, **options: object) -> Tensor:
    with Image.open(io.BytesIO(jpeg_bytes(_image(picture), **options))) as image:
        return image_to_tensor(image)


def _options(mode: str) -> dict[str, str]:
    return {} if mode == "gray" else {"subsampling": mode}


def _pictures(height: int, width: int, channels: int) -> dict[str, Tensor]:
    shape = (channels, height, width)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    slopes = torch.tensor((5, 11, 3))[:channels, None, None]
    return {
        "noise": torch.randint(0, 256, shape, dtype=torch.uint8),
        "gradient": ((rows * slopes + columns * 7) % 256).expand(shape).to(torch.uint8),
        "binary": (torch.rand(shape) < 0.5).to(torch.uint8) * 255,
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33])
def test_every_quality_equals_pillow(mode: str, size: int) -> None:
    """15,600 generated cases in all: 4 modes, 100 qualities, 13 sizes, 3 kinds of picture."""
    width = 34 - size
    for kind, picture in _pictures(size, width, 1 if mode == "gray" else 3).items():
        ours = compress(picture.expand(100, *picture.shape), torch.arange(1, 101), **_options(mode))
        for quality in range(1, 101):
            theirs = _pillow(picture, quality=quality, **_options(mode))
            different = int((ours[quality - 1] != theirs).sum())
            assert different == 0, f"{kind} {size}x{width} {mode} at quality {quality}: {different} samples differ"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("quality", [1, 10, 25, 50, 75, 90, 95, 100])
def test_a_large_picture_equals_pillow(mode: str, quality: int) -> None:
    for picture in _pictures(512, 768, 1 if mode == "gray" else 3).values():
        ours = compress(picture[None], quality, **_options(mode))[0]
        assert torch.equal(ours, _pillow(picture, quality=quality, **_options(mode)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_photographs_equal_pillow(path: str) -> None:
    with Image.open(path) as image:
        photograph = image_to_tensor(image.convert("RGB"))[:, :333, :431]
    for mode in MODES[1:]:
        for quality in (5, 30, 75, 95):
            ours = compress(photograph[None], quality, subsampling=mode)[0]
            assert torch.equal(ours, _pillow(photograph, quality=quality, subsampling=mode))


@settings(max_examples=150, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    quality=st.integers(1, 100),
    low=st.integers(0, 255),
    high=st.integers(0, 255),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_picture_equals_pillow(
    mode: str, height: int, width: int, quality: int, low: int, high: int, seed: int
) -> None:
    low, high = min(low, high), max(low, high)
    shape = (1 if mode == "gray" else 3, height, width)
    picture = torch.randint(low, high + 1, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    ours = compress(picture[None], quality, **_options(mode))[0]
    assert torch.equal(ours, _pillow(picture, quality=quality, **_options(mode)))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_custom_tables_equal_pillow(data: st.DataObject) -> None:
    entries = st.lists(st.integers(1, 255), min_size=64, max_size=64)
    luma, chroma = data.draw(entries), data.draw(entries)
    picture = torch.randint(0, 256, (3, 21, 35), dtype=torch.uint8)
    tables = torch.tensor([luma, chroma], dtype=torch.int32).view(2, 8, 8)
    ours = compress(picture[None], tables=tables)[0]
    assert torch.equal(ours, _pillow(picture, qtables=[luma, chroma]))
    gray = compress(picture[None, :1], tables=tables[:1])[0]
    assert torch.equal(gray, _pillow(picture[:1], qtables=[luma]))


def test_a_mixed_batch_equals_the_loop_over_its_members() -> None:
    batch = torch.randint(0, 256, (9, 3, 20, 12), dtype=torch.uint8)
    qualities = torch.tensor([1, 5, 33, 50, 75, 99, 100, 20, 60])
    modes = ["4:2:0", "4:2:2", "4:4:4"] * 3
    offsets = torch.randint(0, 16, (9, 2))
    together = compress(batch, qualities, subsampling=modes, offset=offsets)
    for index, mode in enumerate(modes):
        offset = tuple(offsets[index].tolist())
        one = compress(batch[index : index + 1], int(qualities[index]), subsampling=mode, offset=offset)
        assert torch.equal(together[index : index + 1], one)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("offset", [(0, 3), (4, 4), (9, 0), (15, 15)])
def test_an_offset_equals_compressing_a_picture_with_a_repeated_border(mode: str, offset: tuple[int, int]) -> None:
    picture = _pictures(37, 29, 1 if mode == "gray" else 3)["noise"]
    rows, columns = offset
    widths = ((0, 0), (rows, 15 - rows), (columns, 15 - columns))
    bordered = torch.from_numpy(np.pad(picture.numpy(), widths, mode="edge"))
    expected = _pillow(bordered, quality=40, **_options(mode))[:, rows : rows + 37, columns : columns + 29]
    ours = compress(picture[None], 40, offset=offset, **_options(mode))[0]
    assert torch.equal(ours, expected)


def test_a_second_compression_at_an_offset_equals_cropping_and_saving_again() -> None:
    picture = _pictures(64, 80, 3)["gradient"]
    theirs = _pillow(_pillow(picture, quality=30)[:, 5:, 11:], quality=60)
    ours = compress(compress(picture[None], 30)[:, :, 5:, 11:], 60)[0]
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("mode", MODES[1:])
def test_planes_equal_those_of_the_decoder(photo: Image.Image, mode: str) -> None:
    planes = rgb_to_ycbcr(image_to_tensor(photo))[None]
    file = read_jpeg(jpeg_bytes(photo, quality=35, subsampling=mode))
    assert torch.equal(compress_ycbcr(planes, file.tables[:2], mode)[0], file.planes)


def test_encoding_and_decoding_are_the_two_halves() -> None:
    planes = torch.randint(0, 256, (3, 19, 26), dtype=torch.uint8)
    tables = quantization_tables(torch.tensor([10, 50, 90]))[:, 0]
    quantized = encode_planes(planes, tables)
    assert quantized.shape == (8, 8, 3, 3, 4)
    assert torch.equal(decode_planes(quantized, tables, 19, 26), compress_plane(planes, tables))


def test_the_largest_tables_and_contrasts_stay_exact() -> None:
    white = torch.full((1, 16, 16), 255, dtype=torch.uint8)
    coarsest = torch.full((8, 8), 65535, dtype=torch.int32)
    assert (compress_plane(white, coarsest) == 128).all()
    assert encode_planes(white, torch.ones(8, 8, dtype=torch.int32))[0, 0].unique().tolist() == [127 * 8]


@pytest.mark.parametrize("subsampling", ["4:4:0", "4:1:1"])
def test_rare_samplings_equal_files_of_libjpeg(subsampling: str) -> None:
    """Pillow cannot write them: the files were written by libjpeg at quality 60 from the picture made here."""
    rows, columns = torch.arange(37)[:, None], torch.arange(53)[None]
    red, green = rows * rows * 3 + columns * 7, rows * 11 + columns * columns
    picture = (torch.stack((red, green, rows * columns * 5)) % 256).to(torch.uint8)
    file = read_jpeg(Path(__file__).parent / "data" / f"{subsampling.replace(':', '')}.jpg")
    assert (file.sampling, file.quality) == (subsampling, 60)
    ours = compress_ycbcr(rgb_to_ycbcr(picture)[None], file.tables[:2], subsampling)[0]
    assert torch.equal(ours, file.planes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_integers_without_waiting() -> None:
    batch = torch.randint(0, 256, (100, 3, 33, 47), dtype=torch.uint8)
    qualities, modes = torch.arange(1, 101), ["4:2:0", "4:2:2", "4:4:4", "4:2:0"] * 25
    moved = batch.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        ours = compress(moved, qualities, subsampling=modes)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(ours.cpu(), compress(batch, qualities, subsampling=modes))


def test_wrong_pictures_are_refused_in_words() -> None:
    picture = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(TypeError, match="uint8"):
        compress(torch.zeros(1, 1, 8, 8), 50)
    with pytest.raises(ValueError, match=r"\(B, 1 or 3, H, W\)"):
        compress(picture[0], 50)
    with pytest.raises(ValueError, match="H, W >= 1"):
        compress(picture[:, :1, :0], 50)
    with pytest.raises(ValueError, match="either quality or tables"):
        compress(picture)
    with pytest.raises(ValueError, match="either quality or tables"):
        compress(picture, 50, tables=quantization_tables(50))
    with pytest.raises(ValueError, match="tables must have shape"):
        compress(picture, tables=quantization_tables(50)[:1])
    with pytest.raises(ValueError, match="one of 4:4:4, 4:2:2"):
        compress(picture, 50, subsampling="4:3:2")
    with pytest.raises(ValueError, match="must name 2 samples"):
        compress(picture, 50, subsampling=["4:2:0"])
    with pytest.raises(ValueError, match="offset must be a pair"):
        compress(picture, 50, offset=torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\)"):
        compress_ycbcr(picture[:, :1], quantization_tables(50), "4:2:0")
    with pytest.raises(ValueError, match="tables must have shape"):
        compress_plane(picture[:, 0], quantization_tables(torch.tensor([1, 2, 3]))[:, 0])


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (33, 17)])
def test_groups_equal_names(size: tuple[int, int]) -> None:
    names: list[Subsampling] = ["4:2:0", "4:2:0", "4:2:2", "4:4:4", "4:4:4"]
    planes = torch.randint(0, 256, (5, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    tables = quantization_tables(torch.tensor([10, 30, 50, 70, 90]))
    # Pictures 1 and 2 lie in two spans each; the index says which one counts.
    spans = ((0, 2), (1, 3), (2, 5))
    groups = SubsamplingGroups(("4:2:0", "4:2:2", "4:4:4"), spans, torch.tensor([0, 0, 1, 2, 2]))
    assert torch.equal(compress_ycbcr(planes, tables, groups), compress_ycbcr(planes, tables, names))


def test_planes_that_no_jpeg_has_are_refused() -> None:
    tables = quantization_tables(50)
    with pytest.raises(TypeError, match=r"uint8 samples 0\.\.255, found torch.float32"):
        compress_ycbcr(torch.zeros(1, 3, 8, 8), tables, "4:2:0")
    for shape in ((1, 3, 0, 8), (1, 3, 8, 0), (1, 2, 8, 8), (3, 8, 8)):
        with pytest.raises(ValueError, match=r"planes must have shape \(B, 3, H, W\)"):
            compress_ycbcr(torch.zeros(shape, dtype=torch.uint8), tables, "4:2:0")
