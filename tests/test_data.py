import logging
import zlib

import pytest
import torch
from datasets import IterableDataset
from PIL import Image

from argan_hf.data import PictureDecoder, Reservoir, load_stream, stream_pictures
from tests.conftest import EXAMPLES, jpeg_bytes

CPU = torch.device("cpu")


def _stream(pattern: str) -> IterableDataset:
    return load_stream("parquet", data_files=[pattern])


def test_records_arrive_undecoded(picture_parquet: str) -> None:
    first = next(iter(_stream(picture_parquet)))
    assert set(first) == {"image"}
    assert first["image"]["bytes"][:2] == b"\xff\xd8"


def test_a_folder_of_pictures_streams_too() -> None:
    pictures = list(stream_pictures(load_stream(str(EXAMPLES[0].parent)), PictureDecoder("image", 600, 64)))
    assert len(pictures) == len(EXAMPLES)
    assert all(picture.shape == (3, 576, 576) for _, picture in pictures)


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_records_are_skipped_and_logged(
    picture_parquet: str, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = PictureDecoder("image", 512, 64)
    with caplog.at_level(logging.WARNING):
        pictures = list(stream_pictures(_stream(picture_parquet), decoder, num_workers=workers))
    assert len(pictures) == 24
    assert workers or "broken.jpg" in caplog.text


def test_a_large_picture_is_cut_into_windows_that_cover_it(photo: Image.Image) -> None:
    windows = PictureDecoder("image", 64, 32)([{"image": {"bytes": jpeg_bytes(photo), "path": None}}])
    assert sum(window.shape[1] * window.shape[2] for _, window in windows) == photo.width * photo.height
    assert max(max(window.shape[1:]) for _, window in windows) <= 64


def test_pictures_smaller_than_a_crop_are_left_out(photo: Image.Image) -> None:
    record = {"image": {"bytes": jpeg_bytes(photo), "path": None}}
    assert not PictureDecoder("image", 512, 180)([record])


def test_what_is_held_out_depends_on_the_bytes_alone(photo: Image.Image) -> None:
    records = [{"image": {"bytes": jpeg_bytes(photo, quality=q), "path": None}} for q in range(1, 101)]
    decoded = PictureDecoder("image", 512, 64)(records)
    expected = [zlib.crc32(record["image"]["bytes"]) % 32 == 0 for record in records]
    assert [held_out for held_out, _ in decoded] == expected
    assert 0 < sum(expected) < 20


def test_a_missing_data_set_or_column_is_named(picture_parquet: str) -> None:
    with pytest.raises(ValueError, match=r"no column 'picture'; it has \['image'\]"):
        load_stream("parquet", data_files=[picture_parquet], image_column="picture")
    with pytest.raises(ValueError, match="'no/such/folder' cannot be streamed"):
        load_stream("no/such/folder")


def test_crops_are_parts_of_the_pictures() -> None:
    reservoir = Reservoir(1, 128, CPU)
    picture = torch.arange(100 * 90).view(1, 100, 90).expand(3, -1, -1) % 251
    reservoir.insert(picture.to(torch.uint8))
    crops = reservoir.sample(50, 32, torch.Generator().manual_seed(0))
    assert crops.shape == (50, 3, 32, 32)
    windows = picture[0].to(torch.uint8).unfold(0, 32, 1).unfold(1, 32, 1).reshape(-1, 32, 32)
    turned = 0
    for crop in crops[:, 0]:
        variants = [v for t in (crop, crop.T) for v in (t, t.flip(0), t.flip(1), t.flip(0, 1))]
        matches = [bool((windows == variant).all(dim=(1, 2)).any()) for variant in variants]
        assert any(matches)
        turned += not matches[0]
    assert 30 < turned < 50


def test_pictures_are_drawn_by_their_area() -> None:
    reservoir = Reservoir(1, 128, CPU)
    reservoir.insert(torch.zeros(3, 32, 32, dtype=torch.uint8))
    reservoir.insert(torch.ones(3, 96, 96, dtype=torch.uint8))
    crops = reservoir.sample(2000, 32, torch.Generator().manual_seed(0))
    assert crops[:, 0, 0, 0].float().mean() == pytest.approx(0.9, abs=0.03)


def test_a_full_reservoir_replaces_the_oldest() -> None:
    reservoir = Reservoir(1, 256, CPU)
    assert reservoir.capacity == 5
    for level in range(7):
        reservoir.insert(torch.full((3, 64, 64), level, dtype=torch.uint8))
    assert reservoir.full
    assert len(reservoir) == 5
    seen = reservoir.sample(500, 64, torch.Generator().manual_seed(0)).unique().tolist()
    assert seen == [2, 3, 4, 5, 6]


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no picture of 4096x4096"):
        Reservoir(1, 4096, CPU)
    with pytest.raises(RuntimeError, match="reservoir is empty"):
        Reservoir(1, 64, CPU).sample(1, 8, torch.Generator())
