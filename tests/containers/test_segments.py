import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from argan_hf.containers.missing_end import with_end
from argan_hf.containers.segments import read_layout
from tests.containers.files import jpeg, picture, segment, with_segments

_KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "restarts of rows": {"restart_marker_rows": 1, "subsampling": "4:2:2"},
    "restarts of progressive scans": {"restart_marker_blocks": 1, "progressive": True},
    "444": {"subsampling": "4:4:4", "quality": 30},
    "optimized": {"optimize": True, "quality": 95},
}


def _photo() -> Image.Image:
    """A picture with something in every block."""
    noise = np.random.default_rng(0).integers(0, 80, (40, 64, 3))
    return Image.fromarray((np.array(picture((64, 40))) // 2 + noise).astype(np.uint8))


def test_scans_are_counted_where_a_decoder_reads_them() -> None:
    plain, progressive = jpeg(), jpeg(progressive=True)
    fake = b"\xff\xda\0\x0c" * 600
    assert read_layout(plain).scans == 1
    scans = read_layout(progressive).scans
    assert scans > 5
    for data in (with_segments(progressive, segment(0xFE, fake)), progressive + fake):
        assert read_layout(data).scans == scans
        assert data[: read_layout(data).end].endswith(b"\xff\xd9")


@pytest.mark.parametrize("kind", _KINDS)
def test_a_complete_file_without_its_end_gets_one(kind: str) -> None:
    whole = jpeg(_photo(), **_KINDS[kind])
    expected = np.array(Image.open(io.BytesIO(whole)))
    for data in (whole[:-2], whole[:-1], whole[:-2] + b"a note, no JPEG" * 9, whole[:-2] + b"\xff\xc0 no segment"):
        layout = read_layout(data)
        assert layout.end is None
        mended = with_end(data, layout)
        assert mended is not None
        assert np.array_equal(np.array(Image.open(io.BytesIO(mended))), expected)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_file_that_ends_early_gets_none_wherever_it_ends(kind: str) -> None:
    whole = jpeg(_photo(), **_KINDS[kind])
    for missing in range(3, len(whole) - whole.index(b"\xff\xda") + 2, 3):
        # Some programs reserve the space of a file first.
        for padding in (b"", bytes(500), b"\xff" * 50):
            data = whole[:-missing] + padding
            assert with_end(data, read_layout(data)) is None, missing


def test_a_last_byte_of_zeros_belongs_to_the_picture() -> None:
    # Blocks without color have codes of zeros.
    found = 0
    for seed in range(120):
        pixels = np.random.default_rng(seed).integers(0, 256, (24, 24)).astype(np.uint8)
        whole = jpeg(Image.fromarray(pixels).convert("RGB"), quality=60)
        found += whole[-3] == 0
        for data in (whole[:-2], whole[:-1]):
            assert with_end(data, read_layout(data)) is not None, seed
        cut = whole[:-4]
        assert with_end(cut, read_layout(cut)) is None, seed
    assert found > 2


def test_a_restart_marker_behind_the_last_interval_is_one_too_many_and_no_harm() -> None:
    whole = jpeg(_photo(), restart_marker_rows=1)
    data = whole[:-2] + b"\xff\xd4"
    mended = with_end(data, read_layout(data))
    assert mended is not None
    assert np.array_equal(np.array(Image.open(io.BytesIO(mended))), np.array(Image.open(io.BytesIO(whole))))


def test_flat_intervals_at_the_end_are_missed() -> None:
    # A decoder fills a missing interval with what the one before had, which is white as the original here.
    picture = np.full((64, 64), 255, np.uint8)
    picture[:20, :40] = np.random.default_rng(0).integers(0, 2, (20, 40)) * 255
    whole = jpeg(Image.fromarray(picture), restart_marker_rows=1, quality=90)
    for place in [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", whole)]:
        for data in (whole[:place], whole[: place + 2], whole[: place + 3]):
            assert with_end(data, read_layout(data)) is None


def test_a_run_of_ones_does_not_keep_the_search_busy() -> None:
    data = jpeg(_photo())
    began = time.perf_counter()
    read_layout(data[:-40] + b"\xff" * 200_000 + b"\0" + data[-40:])
    assert time.perf_counter() - began < 1


def test_a_file_without_pixels_gets_none() -> None:
    data = jpeg()
    data = data[: data.index(b"\xff\xda")]
    assert with_end(data, read_layout(data)) is None
