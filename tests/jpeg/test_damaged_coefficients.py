"""Damaged, hostile and hand-made files: their coefficients are read as libjpeg reads them, or not at all."""

import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.containers.opening import UnreadableImageError
from argan_hf.containers.segments import read_layout
from argan_hf.jpeg import block_decoding, read_jpeg
from argan_hf.jpeg.coefficients import read_coefficients
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.jpeg.samples import decode_file


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    with Image.open(EXAMPLES[0]) as image:
        return image.convert("RGB").crop((120, 140, 320, 300))


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA])
def test_other_kinds_of_coding_are_not_read(scene: Image.Image, marker: int) -> None:
    data = bytearray(jpeg_bytes(scene))
    data[data.index(b"\xff\xc0") + 1] = marker
    assert read_coefficients(bytes(data)) is None


def test_progressive_files_that_lack_bits_are_not_read(scene: Image.Image) -> None:
    data = jpeg_bytes(scene, progressive=True)
    layout = read_layout(data)
    scans = [segment.start - 4 for segment in layout.segments if segment.marker == 0xDA]
    for stop in scans[1:]:
        assert read_coefficients(data[:stop] + b"\xff\xd9") is None
    # The last scan refines luma. Without the one before it, chroma lacks a bit.
    assert read_coefficients(data[: scans[-2]] + data[scans[-1] :]) is None
    assert read_coefficients(data[: scans[-1]] + data[scans[-1] : layout.stop] * 2 + b"\xff\xd9") is None


def test_progressive_scans_in_another_order_are_not_read(scene: Image.Image) -> None:
    data = jpeg_bytes(scene, progressive=True)
    layout = read_layout(data)
    starts = [segment.start - 4 for segment in layout.segments if segment.marker == 0xDA]
    tables = [segment.start - 4 for segment in layout.segments if segment.marker == 0xC4]
    # A scan comes with its Huffman tables. That of a DC coefficient also decodes a second time.
    cuts = [tables[0], *(max(table for table in tables if table < start) for start in starts[1:]), layout.stop]
    scans = [data[one:following] for one, following in pairwise(cuts)]

    def put_together(order: list[int]) -> bytes:
        return data[: cuts[0]] + b"".join(scans[index] for index in order) + b"\xff\xd9"

    count = list(range(len(scans)))
    assert read_coefficients(put_together(count)) is not None
    assert read_coefficients(put_together([0, *count])) is None
    assert read_coefficients(put_together([1, 0, *count[2:]])) is None
    assert read_coefficients(put_together([*count, len(scans) - 4])) is None


def test_bits_that_belong_to_no_block_are_damage(scene: Image.Image) -> None:
    data = jpeg_bytes(scene, restart_marker_rows=1)
    assert read_coefficients(data) is not None
    for marker in (b"\xff\xd1", b"\xff\xd9"):
        assert read_coefficients(data.replace(marker, b"\0" + marker)) is None
    # Ten rows of groups, so the last marker is FF D0.
    assert data.rindex(b"\xff\xd0") > data.rindex(b"\xff\xd7")
    assert read_coefficients(data[: data.rindex(b"\xff\xd0")] + b"\xff\xd9") is None
    assert read_coefficients(data[:-2] + b"\xff\xd1\xff\xd9") is None


def test_a_quantization_table_that_changes_is_damage(scene: Image.Image) -> None:
    data = jpeg_bytes(scene, progressive=True)
    layout = read_layout(data)
    table = next(segment for segment in layout.segments if segment.marker == 0xDB)
    same = data[table.start - 4 : table.end]
    at = next(segment.end for segment in layout.segments if segment.marker == 0xDA)
    place = next(segment.start - 4 for segment in layout.segments if segment.start > at)
    assert read_coefficients(data[:place] + same + data[place:]) is not None
    assert read_coefficients(data[:place] + same[:-1] + bytes((same[-1] ^ 1,)) + data[place:]) is None


def _hand_made(columns: int, zero_run: bytes, scans: list[bytes]) -> bytes:
    """A progressive gray file of blocks of zeros.

    Args:
        columns: number of blocks, at most 8000.
        zero_run: symbol of the AC code 0. The code 10 is the end of a block.
        scans: band, bits and data of each scan.
    """
    parts = [b"\xff\xd8\xff\xdb\0\x43\0" + b"\1" * 64]
    parts.append(b"\xff\xc2\0\x0b\x08\0\x08" + (8 * columns).to_bytes(2, "big") + b"\1\1\x11\0")
    parts.append(b"\xff\xc4\0\x14\0\1" + bytes(16))
    parts.append(b"\xff\xc4\0\x15\x10\1\1" + bytes(14) + zero_run + b"\0")
    parts += [b"\xff\xda\0\x08\1\1\0" + scan for scan in scans]
    return b"".join(parts) + b"\xff\xd9"


@pytest.mark.parametrize(("low", "is_read"), [(0, True), (6, True), (7, False), (13, False)])
def test_small_files_may_have_500_scans(low: int, is_read: bool) -> None:
    scans = [b"\0\0\0\x7f"]
    for index in range(1, 64):
        scans.append(bytes((index, index, low, 0xBF)))
        scans += [bytes((index, index, bit << 4 | bit - 1, 0xBF)) for bit in range(low, 0, -1)]
    found = read_coefficients(_hand_made(1, b"\xf0", scans))
    assert (found is not None) == is_read
    assert found is None or not found[0].any()


def test_blocks_of_one_bit_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each block is a run of 16 zeros, which fill its band. A look at 16 bits must not take them for one block.
    monkeypatch.setattr(block_decoding, "_WORTH_JOINING", 0)
    scans = [b"\0\0\0" + bytes(100), b"\x01\x10\0" + bytes(100)]
    scans += [bytes((first, first + 15, 0)) + bytes(100) for first in (17, 33)] + [b"\x31\x3f\0" + b"\xaa" * 200]
    data = _hand_made(800, b"\xf0", scans)
    found = read_coefficients(data)
    assert found is not None
    assert np.array_equal(decode_file(found, read_jpeg(data)), np.full((1, 8, 6400), 128))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xda\0\2\xff\xd9", bytes(99)])
def test_bytes_that_are_no_picture_are_not_read(data: bytes) -> None:
    assert read_coefficients(data) is None


def _small_files(scene: Image.Image) -> list[bytes]:
    return [
        jpeg_bytes(scene.crop((0, 0, width, height)), quality=quality, progressive=progressive, **restarts)
        for width, height in ((90, 70), (40, 33))
        for progressive in (False, True)
        for quality in (40, 90)
        for restarts in ({}, {"restart_marker_blocks": 3})
    ]


def _mutated(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A file with flipped bits, cut, with parts lost or doubled, or with its segments in another order."""
    changed = bytearray(data)
    kind = rng.integers(6)
    first, last = sorted(int(at) for at in rng.integers(2, len(changed), 2))
    if kind == 0:
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(2, len(changed))] ^= 1 << rng.integers(8)
    elif kind == 1:
        return data[:last] + (b"\xff\xd9" if first % 2 else b"")
    elif kind == 2:
        del changed[first : first + int(rng.integers(1, 30))]
    elif kind == 3:
        changed[last:last] = changed[first : first + int(rng.integers(1, 60))]
    elif kind == 4:
        changed[data.index(b"\xff\xda") + int(rng.integers(14, 40))] = int(rng.integers(256))
    else:
        parts = [
            source[one.start - 4 : following.start - 4]
            for source in (data, other)
            for one, following in pairwise(read_layout(source).segments)
        ]
        rng.shuffle(parts)
        stop = read_layout(data).segments[-1].start - 4
        return data[:2] + b"".join(parts[: rng.integers(1, len(parts))]) + data[stop:]
    return bytes(changed)


@pytest.mark.parametrize(("joins", "count"), [(False, 400), (True, 100)])
def test_damaged_files_are_read_as_libjpeg_does_or_not_at_all(
    scene: Image.Image, monkeypatch: pytest.MonkeyPatch, joins: bool, count: int
) -> None:
    if joins:
        # As for large files, looks at 16 bits take all codes that they hold.
        monkeypatch.setattr(block_decoding, "_WORTH_JOINING", 0)
    rng = np.random.default_rng(7)
    files = _small_files(scene)
    read = 0
    for _ in range(count):
        one, other = rng.integers(len(files), size=2)
        data = _mutated(files[one], files[other], rng)
        begun = time.process_time()
        found = read_coefficients(data)
        assert time.process_time() - begun < 10
        if found is None:
            continue
        try:
            file = read_jpeg(data)
        except UnreadableImageError:
            continue
        read += 1
        assert torch.equal(decode_file(found, file), file.planes)
    assert count / 8 < read < count / 2


def test_a_scan_that_is_sent_a_thousand_times_is_not_followed(scene: Image.Image) -> None:
    data = jpeg_bytes(scene.convert("L"), progressive=True)
    scan = next(segment for segment in read_layout(data).segments if segment.marker == 0xDA)
    begun = time.process_time()
    assert read_coefficients(data[: scan.start - 4] + data[scan.start - 4 : scan.end] * 100_000 + b"\xff\xd9") is None
    assert time.process_time() - begun < 10


def test_a_giant_size_without_data_takes_no_memory(scene: Image.Image) -> None:
    data = bytearray(jpeg_bytes(scene))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    tracemalloc.start()
    try:
        assert read_coefficients(bytes(data)) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
