import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import IterableDataset
from PIL import Image

from argan_hf.jpeg.file import image_to_tensor
from argan_hf.training.dataset import PictureDecoder, held_out_pictures, load_stream
from tests.conftest import deep_files, jpeg_bytes


def _stream(pattern: str) -> IterableDataset:
    return load_stream("parquet", data_files=[pattern])


def _decoder(slot_size: int = 512, min_size: int = 64, scales: Sequence[float] = (1.0,)) -> PictureDecoder:
    return PictureDecoder("image", slot_size, min_size, scales)


def _record(image: Image.Image, quality: int = 75) -> dict[str, object]:
    return {"image": {"bytes": jpeg_bytes(image, quality=quality), "path": None}}


def test_records_arrive_undecoded(picture_parquet: str) -> None:
    first = next(iter(_stream(picture_parquet)))
    assert set(first) == {"image"}
    assert first["image"]["bytes"][:2] == b"\xff\xd8"


def test_a_cell_without_picture_is_skipped() -> None:
    decoder = _decoder()
    assert decoder({"image": None}).windows == []
    assert decoder({"image": {"bytes": None, "path": "no/such/file.jpg"}}).windows == []
    assert decoder.skipped == 2


@pytest.mark.parametrize(("name", "data"), deep_files().items(), ids=deep_files())
def test_sixteen_bits_are_skipped_and_not_clipped_to_white(
    caplog: pytest.LogCaptureFixture, name: str, data: bytes
) -> None:
    decoder = _decoder(min_size=1)
    assert decoder({"image": {"bytes": data, "path": name}}).windows == []
    assert decoder.skipped == 1
    assert re.search(rf"skipped a record .*\({name}\): a (PNG|PPM|TIFF) with (16 bits per|pixels of mode)", caplog.text)


def test_a_large_picture_is_cut_into_windows_that_cover_it(photo: Image.Image) -> None:
    windows = _decoder(64, 32)(_record(photo)).windows
    assert sum(window.shape[1] * window.shape[2] for window in windows) == photo.width * photo.height
    assert max(max(window.shape[1:]) for window in windows) <= 64


def test_pictures_smaller_than_a_crop_are_left_out(photo: Image.Image) -> None:
    assert not _decoder(min_size=180)(_record(photo)).windows


def test_a_picture_is_seen_at_every_scale_that_holds_a_crop(photo: Image.Image) -> None:
    record = _record(photo)
    whole, half = _decoder(scales=(1.0, 0.5, 0.1))(record).windows
    assert torch.equal(whole, _decoder()(record).windows[0])
    assert half.shape[1:] == (round(photo.height * 0.5), round(photo.width * 0.5))


def test_shrunk_pictures_are_low_passed() -> None:
    checkerboard = Image.fromarray(np.indices((128, 128)).sum(0).astype(np.uint8) % 2 * 255).convert("RGB")
    (half,) = _decoder(scales=(0.5,))(_record(checkerboard, 100)).windows
    assert ((half.float() - 127.5).abs() < 3).all()


def test_what_is_held_out_depends_on_the_bytes_alone(photo: Image.Image) -> None:
    records = [_record(photo, quality) for quality in range(1, 101)]
    found = [_decoder()(record).held_out for record in records]
    assert found == [zlib.crc32(record["image"]["bytes"]) % 32 == 0 for record in records]  # type: ignore[index]
    assert 0 < sum(found) < 20


def test_one_window_of_every_held_out_record_is_taken_whether_its_bytes_are_here_or_in_a_file(
    photo: Image.Image, tmp_path: Path
) -> None:
    records, expected = [], []
    for quality in range(1, 101):
        record = _record(photo, quality)
        if quality % 2:
            path = tmp_path / f"{quality}.jpg"
            path.write_bytes(record["image"]["bytes"])  # type: ignore[index]
            record = {"image": {"bytes": None, "path": str(path)}}
        records.append(record)
        found = _decoder(128)(record)
        expected += found.windows[:1] if found.held_out else []
    assert len(expected) >= 2
    records.sort(key=lambda record: not _decoder()(record).held_out)
    for count in (0, 1, 100):
        taken = held_out_pictures(records, _decoder(128), count)  # type: ignore[arg-type]
        assert len(taken) == min(count, len(expected))
        assert all(map(torch.equal, taken, expected))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK"])
def test_every_picture_becomes_rgb(photo: Image.Image, mode: str) -> None:
    buffer = io.BytesIO()
    photo.convert(mode).save(buffer, "TIFF")
    (window,) = _decoder()({"image": {"bytes": buffer.getvalue(), "path": None}}).windows
    assert torch.equal(window, image_to_tensor(photo.convert(mode).convert("RGB")))


def test_a_bomb_and_a_line_that_shrinks_to_nothing_end_no_run(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _decoder(scales=(0.1,))(_record(photo.crop((0, 0, 200, 3)))).windows
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    decoder = _decoder()
    assert not decoder(_record(photo)).windows
    assert decoder.skipped == 1


def test_a_split_of_a_folder_is_streamed_by_its_name(photo: Image.Image, tmp_path: Path) -> None:
    for split, size in (("train", 100), ("validation", 80)):
        (tmp_path / split).mkdir()
        photo.crop((0, 0, size, size)).save(tmp_path / split / "a.png")
    (record,) = load_stream(str(tmp_path), split="validation")
    assert _decoder()(record).windows[0].shape == (3, 80, 80)


def test_a_missing_data_set_or_column_is_named(picture_parquet: str) -> None:
    with pytest.raises(ValueError, match=r"no column 'picture'; it has \['image'\]"):
        load_stream("parquet", data_files=[picture_parquet], image_column="picture")
    with pytest.raises(ValueError, match="'no/such/folder' cannot be streamed"):
        load_stream("no/such/folder")


@pytest.mark.parametrize("extra", [{"data_files": ["a.parquet"]}, {"config_name": "b"}])
def test_generated_pictures_take_no_files(extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"draws its pictures and takes no files; \./generated means a folder"):
        load_stream("generated", **extra)
