import itertools
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from datasets import Dataset, Features, IterableDataset
from datasets import Image as ImageFeature
from PIL import Image
from torch import Tensor

from argan_hf.training.dataset import PictureDecoder, held_out_pictures, load_stream
from argan_hf.training.stream import PictureStream
from tests.conftest import EXAMPLES, jpeg_bytes


def _stream(pattern: str) -> IterableDataset:
    return load_stream("parquet", data_files=[pattern])


def _decoder(slot_size: int = 512, min_size: int = 64) -> PictureDecoder:
    return PictureDecoder("image", slot_size, min_size)


def _take(stream: PictureStream, count: int) -> list[Tensor]:
    return list(itertools.islice(stream, count))


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pattern of three parquet files with 90 different pictures, read in row groups of 7."""
    folder = tmp_path_factory.mktemp("many")
    with Image.open(EXAMPLES[3]) as image:
        picture = image.convert("RGB")
    cells = [
        {"bytes": jpeg_bytes(picture.crop((3 * i, 2 * i, 3 * i + 80, 2 * i + 70)), quality=90), "path": None}
        for i in range(90)
    ]
    for shard in range(3):
        features = Features({"image": ImageFeature(decode=False)})
        part = Dataset.from_dict({"image": cells[shard * 30 : shard * 30 + 30]}, features=features)
        part.to_parquet(folder / f"train-{shard}.parquet", batch_size=7)
    return str(folder / "*.parquet")


def test_a_folder_of_pictures_streams_too() -> None:
    pictures = PictureStream(load_stream(str(EXAMPLES[0].parent)), _decoder(600))
    assert all(picture.shape == (3, 576, 576) for picture in _take(pictures, len(EXAMPLES)))
    pictures.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_broken_records_are_counted_skipped_and_logged(
    picture_parquet: str, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = _decoder()
    pictures = PictureStream(_stream(picture_parquet), decoder, num_workers=workers)
    with caplog.at_level(logging.WARNING):
        while pictures.epoch == 0:
            next(pictures)
    pictures.close()
    assert pictures.count == 24 - len(held_out_pictures(_stream(picture_parquet), _decoder(), 24)) + 1
    assert decoder.skipped >= 1
    assert "broken.jpg" in caplog.text


def test_what_is_held_out_is_never_trained_on(many: str) -> None:
    held_out = held_out_pictures(_stream(many), _decoder(), 100)
    assert held_out
    pictures = PictureStream(_stream(many), _decoder())
    seen = _take(pictures, 90 - len(held_out))
    assert pictures.epoch == 0
    assert not any(torch.equal(picture, other) for picture in held_out for other in seen)
    next(pictures)
    assert pictures.epoch == 1
    pictures.close()
    assert _same(held_out_pictures(_stream(many), _decoder(), 1), held_out[:1])


def test_the_order_does_not_depend_on_the_number_of_threads(many: str) -> None:
    streams = [PictureStream(_stream(many), _decoder(), num_workers=workers) for workers in (1, 4)]
    first, second = (_take(stream, 120) for stream in streams)
    assert _same(first, second)
    for stream in streams:
        stream.close()


@pytest.mark.parametrize(("seen", "back"), [(5, 5), (40, 3), (100, 30), (200, 60)])
def test_a_stream_goes_on_exactly_where_it_was(many: str, seen: int, back: int) -> None:
    whole = PictureStream(_stream(many), _decoder())
    pictures = _take(whole, seen)
    place = whole.position_before(seen - back)
    rest = _take(whole, 50)
    whole.close()
    resumed = PictureStream(_stream(many), _decoder(), num_workers=2)
    resumed.seek(place)
    assert place["count"] <= seen - back
    assert place["count"] > seen - back - 20
    assert _same(_take(resumed, seen - place["count"] + 50), pictures[place["count"] :] + rest)
    assert resumed.count == seen + 50
    resumed.close()


def test_places_after_a_jump_back_are_not_mixed_up_with_those_before_it(many: str) -> None:
    stream = PictureStream(_stream(many), _decoder())
    start = stream.position_before(0)
    _take(stream, 80)
    stream.seek(start)
    _take(stream, 60)
    assert 20 < stream.position_before(40)["count"] <= 40
    stream.close()


def test_small_pictures_among_others_do_not_end_a_stream(many: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argan_hf.training.stream._PATIENCE", 20)
    stream = PictureStream(_stream(many), _decoder())
    assert len(_take(stream, 60)) == 60
    stream.close()


def test_another_reader_of_the_same_stream_does_not_move_it(many: str) -> None:
    shared = _stream(many)
    held_out_pictures(shared, _decoder(), 1)
    whole = PictureStream(shared, _decoder())
    pictures = _take(whole, 10)
    place = whole.position_before(0)
    whole.close()
    resumed = PictureStream(_stream(many), _decoder())
    resumed.seek(place)
    assert _same(_take(resumed, 10), pictures)
    resumed.close()


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_the_records(many: str, world_size: int) -> None:
    streams = [PictureStream(_stream(many), _decoder(), rank=rank, world_size=world_size) for rank in range(world_size)]
    shares = []
    for stream in streams:
        share = []
        for picture in stream:
            if stream.epoch:
                break
            share.append(picture)
        stream.close()
        shares.append(share)
    alone = PictureStream(_stream(many), _decoder())
    everything = _take(alone, sum(map(len, shares)))
    assert alone.epoch == 0
    alone.close()
    together = [picture for share in shares for picture in share]
    assert all(any(torch.equal(picture, other) for other in together) for picture in everything)
    assert min(map(len, shares)) > len(everything) / world_size / 2


def test_pictures_that_are_all_too_small_end_the_stream(many: str) -> None:
    assert not _take(PictureStream(_stream(many), _decoder(min_size=75)), 1)


def test_a_large_data_set_of_small_pictures_is_not_read_to_its_end(many: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argan_hf.training.stream._PATIENCE", 20)
    decoder = _decoder(min_size=75)
    with pytest.raises(ValueError, match="20 records in a row held no picture of at least 75 pixels"):
        next(PictureStream(_stream(many), decoder))


def test_a_process_without_records_says_so(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "only.png")
    streams = [PictureStream(load_stream(str(tmp_path)), _decoder(), rank=rank, world_size=2) for rank in range(2)]
    assert next(streams[0]).shape == (3, *reversed(photo.size))
    streams[0].close()
    with pytest.raises(ValueError, match="use fewer processes"):
        next(streams[1])


def test_a_closed_stream_leaves_no_thread(many: str) -> None:
    before = set(threading.enumerate())
    stream = PictureStream(_stream(many), _decoder(), num_workers=2)
    next(stream)
    started = set(threading.enumerate()) - before
    assert started
    stream.close()
    assert not any(thread.is_alive() for thread in started)


_LEFT_OPEN = """
import atexit, sys, threading

def tell():
    print("alive:", [thread.name for thread in threading.enumerate() if thread.name == "reader"])

# Called in reverse order: after whatever the stream does at exit.
atexit.register(tell)
from argan_hf.training.dataset import PictureDecoder, load_stream
from argan_hf.training.stream import PictureStream

stream = PictureStream(load_stream("parquet", data_files=[sys.argv[1]]), PictureDecoder("image", 512, 64))
next(stream)
assert any(thread.name == "reader" for thread in threading.enumerate())
"""


@pytest.mark.slow
def test_a_stream_left_open_parts_from_its_thread_at_exit(many: str) -> None:
    command = [sys.executable, "-c", _LEFT_OPEN, many]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["alive: []"]
