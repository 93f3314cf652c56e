"""What files store, as pictures are held to it: against files that Pillow wrote, and in words."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from argan_hf.jpeg import read_jpeg, rgb_to_ycbcr
from argan_hf.jpeg.coded_units import groups
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import Consistency, FileBlocks, Held
from argan_hf.jpeg.resampling import FACTORS, Subsampling
from tests.conftest import jpeg_bytes


def _of(data: bytes) -> FileBlocks | None:
    file = read_jpeg(data)
    return FileBlocks.of_file(data, file.tables, file.sampling)


def _planes(picture: Image.Image) -> torch.Tensor:
    samples = image_to_tensor(picture)
    return rgb_to_ycbcr(samples) if len(samples) == 3 else samples


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (30, 7), (33, 17), (207, 153)])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_blocks_of_a_file_are_those_of_the_planes_it_was_made_of(
    progressive: bool, sampling: Subsampling, size: tuple[int, int], photo: Image.Image
) -> None:
    picture = photo.crop((0, 0, *size))
    data = jpeg_bytes(picture, quality=60, subsampling=sampling, progressive=progressive)
    file, found = read_jpeg(data), _of(data)
    expected = FileBlocks.of_planes(_planes(picture), file.tables, sampling)
    assert found is not None
    assert found.chroma is not None
    assert expected.chroma is not None
    assert found.factors == expected.factors == FACTORS[sampling]
    assert torch.equal(found.luma, expected.luma)
    # The codec also has blocks that fill a unit; a file does not count them as its own.
    rows, columns = found.chroma.shape[1:3]
    assert torch.equal(found.chroma, expected.chroma[:, :rows, :columns])
    assert torch.equal(found.tables, expected.tables)
    assert found.has_border
    assert expected.has_border


def test_blocks_of_a_gray_file(photo: Image.Image) -> None:
    picture = photo.convert("L")
    data = jpeg_bytes(picture, quality=30)
    found = _of(data)
    expected = FileBlocks.of_planes(_planes(picture), read_jpeg(data).tables, "4:2:0")
    for blocks in (found, expected):
        assert blocks is not None
        assert blocks.chroma is None
        assert blocks.factors == (1, 1)
        assert blocks.tables.shape == (1, 8, 8)
    assert found is not None
    assert torch.equal(found.luma, expected.luma)


@pytest.mark.parametrize(
    ("subsampling", "byte", "factors"),
    [("4:2:2", 0x12, (2, 1)), ("4:2:0", 0x41, (1, 4)), ("4:2:0", 0x14, None)],
)
def test_samplings_that_pillow_does_not_write(
    subsampling: str, byte: int, factors: tuple[int, int] | None, photo: Image.Image
) -> None:
    # As many blocks in a group, and as many groups: the data are those of another picture.
    data = bytearray(jpeg_bytes(photo.crop((0, 0, 64, 32)), subsampling=subsampling))
    data[data.index(b"\xff\xc0") + 11] = byte
    found, stored = _of(bytes(data)), read_coefficients(bytes(data))
    assert found is not None
    assert stored is not None
    assert torch.equal(found.luma, torch.from_numpy(stored[0]))
    if factors is None:
        # Chroma is left out, and with it what it takes to say where it lies.
        assert found.chroma is None
        assert found.factors == (1, 1)
        assert found.tables.shape == (1, 8, 8)
    else:
        assert found.factors == factors
        assert found.chroma is not None
        for one, other in zip(found.chroma, stored[1:], strict=True):
            assert torch.equal(one, torch.from_numpy(other))


def test_one_sample_of_chroma_for_two_rows_and_four_columns() -> None:
    # Flat gray, which is coded by hand: two groups of eight blocks of luma and two of chroma, which hold nothing.
    data = jpeg_bytes(Image.new("RGB", (64, 16)), subsampling="4:2:0")
    start, scan = data.index(b"\xff\xc0") + 11, data.index(b"\xff\xda")
    coded = int("001010" * 8 + "0000" * 2, 2).to_bytes(7, "big") * 2
    found = _of(data[:start] + b"\x42" + data[start + 1 : scan + 14] + coded + b"\xff\xd9")
    assert found is not None
    assert found.chroma is not None
    assert found.factors == (2, 4)
    assert found.luma.shape == (2, 8, 8, 8)
    assert found.chroma.shape == (2, 1, 2, 8, 8)


def test_files_whose_coefficients_cannot_be_read(photo: Image.Image) -> None:
    data = jpeg_bytes(photo)
    file, start = read_jpeg(data), data.index(b"\xff\xc0")
    arithmetic = data[: start + 1] + b"\xc9" + data[start + 2 :]
    for damaged in (arithmetic, data[: len(data) // 2], b"", b"no JPEG"):
        assert FileBlocks.of_file(damaged, file.tables, file.sampling) is None
    assert FileBlocks.of_file(data, file.tables[:1], "gray") is None
    assert FileBlocks.of_file(data, file.tables, file.sampling) is not None


@pytest.mark.parametrize("sampling", FACTORS)
def test_parts_of_a_picture_have_its_blocks_at_their_place(sampling: Subsampling) -> None:
    planes = torch.randint(0, 256, (3, 75, 107), dtype=torch.uint8)
    tables = torch.full((3, 8, 8), 5)
    whole = FileBlocks.of_planes(planes, tables, sampling)
    down, right = 8 * FACTORS[sampling][0], 8 * FACTORS[sampling][1]
    for rows in (slice(0, 2 * down), slice(2 * down, 75), slice(down, 3 * down), slice(0, 75)):
        for columns in (slice(0, right), slice(2 * right, 107), slice(0, 107)):
            part = whole.at(rows, columns)
            alone = FileBlocks.of_planes(planes[:, rows, columns], tables, sampling)
            assert part.chroma is not None
            assert alone.chroma is not None
            assert torch.equal(part.luma, alone.luma)
            assert torch.equal(part.chroma, alone.chroma)
            assert part.factors == whole.factors


@pytest.mark.parametrize("sampling", FACTORS)
def test_blocks_of_groups_are_in_the_order_of_units(sampling: Subsampling) -> None:
    v, h = FACTORS[sampling]
    planes = torch.randint(0, 256, (3, 43, 75), dtype=torch.uint8)
    blocks = FileBlocks.of_planes(planes, torch.full((3, 8, 8), 5), sampling)
    assert blocks.chroma is not None
    for group in groups(planes, (v, h), together=40):
        luma, chroma = blocks.luma_of(group), blocks.chroma_of(group)
        assert chroma is not None
        number = 0
        for row in range(group.rows.start, group.rows.stop):
            for column in range(group.columns.start, group.columns.stop):
                assert torch.equal(chroma[:, number], blocks.chroma[:, row, column].flatten(1))
                for block in range(v * h):
                    place = row * v + block // h, column * h + block % h
                    exists = place[0] < blocks.luma.shape[0] and place[1] < blocks.luma.shape[1]
                    expected = blocks.luma[place].flatten() if exists else torch.zeros(64)
                    assert torch.equal(luma[number, block].float(), expected.float())
                number += 1
        assert number == len(luma) == chroma.shape[1]
        assert replace(blocks, chroma=None).chroma_of(group) is None


def test_luma_alone_has_no_border() -> None:
    blocks = FileBlocks.of_luma(torch.zeros(2, 3, 8, 8), torch.ones(8, 8))
    assert not blocks.has_border
    assert blocks.chroma is None
    assert blocks.tables.shape == (1, 8, 8)
    assert not blocks.at(slice(8, 16), slice(0, 8)).has_border
    assert blocks.at(slice(8, 16), slice(0, 8)).luma.shape == (1, 1, 8, 8)


def test_counts_are_added_and_become_shares() -> None:
    luma = Held(3, 1, 192, 100) + Held(1, 1, 64, 64) + Held()
    assert luma == Held(4, 2, 256, 164)
    assert Consistency.of(luma, None) == Consistency(164 / 256, 0.5)
    assert Consistency.of(luma, Held(2, 2, 128, 128)) == Consistency(164 / 256, 0.5, 1.0, 1.0)
    # What holds no blocks breaks none.
    assert Consistency.of(Held(), Held()) == Consistency(1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("luma", "chroma", "words"),
    [
        (1.0, None, "100 % of the luma blocks"),
        (0.99989, None, "99.98 % of the luma blocks"),
        (0.999999, 1.0, "99.99 % of the luma blocks and 100 % of the chroma blocks"),
        (1.0, 1.0, "100 % of the luma and chroma blocks"),
        (0.98761, 0.98769, "98.76 % of the luma and chroma blocks"),
        (0.5, 0.1, "50 % of the luma blocks and 10 % of the chroma blocks"),
        (0.0, 0.999, "0 % of the luma blocks and 99.9 % of the chroma blocks"),
    ],
)
def test_shares_are_said_in_words_and_rounded_down(luma: float, chroma: float | None, words: str) -> None:
    assert Consistency(1.0, luma, None if chroma is None else 1.0, chroma).in_words() == words


def test_whole_hundredths_are_not_rounded_below_themselves() -> None:
    for hundredths in range(10_001):
        assert Consistency(1.0, hundredths / 10_000).in_words() == f"{hundredths / 100:g} % of the luma blocks"
    # All but one of more blocks than any picture has.
    assert Consistency.of(Held(2**26, 2**26 - 1, 2**32, 2**32 - 1), None).in_words() == "99.99 % of the luma blocks"
