import io
import struct

import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from argan_hf.containers.exif import (
    is_sound,
    made_upright,
    orientation_of,
    states_plain_orientation,
    thumbnail_size,
    with_size,
    without_orientation,
)
from tests.containers.files import exif, jpeg

_THUMBNAIL = jpeg(Image.new("RGB", (16, 12), (90, 30, 60)))


@pytest.mark.parametrize("kind", [3, 4], ids=["SHORT", "LONG"])
def test_an_orientation_is_read_as_pillow_reads_it(kind: int) -> None:
    data = exif(6, kind=kind)
    assert orientation_of(data) == 6
    assert states_plain_orientation(data) is (kind == 3)
    found = Image.Exif()
    found.load(made_upright(data))
    assert found[0x0112] == 1
    assert found[0x013B] == "Ada Lovelace"


def test_a_thumbnail_goes_and_all_other_tags_stay_when_a_picture_is_turned() -> None:
    data = exif(6, thumbnail=_THUMBNAIL)
    assert thumbnail_size(data) == len(_THUMBNAIL)
    # A second reader sees the same.
    before = piexif.load(data)
    assert before["thumbnail"] == _THUMBNAIL
    upright = with_size(made_upright(data), (32, 48))
    assert thumbnail_size(upright) == 0
    after = piexif.load(upright)
    assert after["thumbnail"] is None
    assert after["0th"][0x0112] == 1
    assert (after["Exif"][0xA002], after["Exif"][0xA003]) == (32, 48)
    assert after["0th"][0x013B] == before["0th"][0x013B] == b"Ada Lovelace"
    assert after["Exif"][0x9000] == before["Exif"][0x9000]
    # In place: maker notes hold offsets that no program knows.
    assert len(upright) == len(data)


@pytest.mark.parametrize("order", "<>")
def test_a_thumbnail_that_is_not_compressed_is_found(order: str) -> None:
    first = struct.pack(order + "HHHLHHL", 1, 0x0112, 3, 1, 6, 0, 26)
    second = struct.pack(order + "HHHLLHHLL", 2, 0x0111, 4, 1, 56, 0x0117, 4, 1, 576) + bytes(4)
    data = (
        b"Exif\0\0" + {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "L", 8) + first + second + bytes(576)
    )
    found = Image.Exif()
    found.load(data)
    assert found.get_ifd(ExifTags.IFD.IFD1)[0x0117] == thumbnail_size(data) == 576
    assert thumbnail_size(made_upright(data)) == 0


def test_of_two_orientations_the_last_counts_and_none_remains() -> None:
    entry = struct.pack(">HHLHH", 0x0112, 3, 1, 3, 0) + struct.pack(">HHLHH", 0x0112, 3, 1, 6, 0)
    data = b"Exif\0\0MM\0*\0\0\0\x08\0\2" + entry + bytes(4)
    found = Image.Exif()
    found.load(data)
    assert orientation_of(data) == found[0x0112] == 6
    assert not states_plain_orientation(data)
    upright = Image.Exif()
    upright.load(made_upright(data))
    assert upright[0x0112] == orientation_of(made_upright(data)) == 1


def test_without_its_orientation_nothing_else_of_exif_data_changes_or_moves() -> None:
    tags = {0x010F: b"Ada", 0x0112: 1, 0x0131: b"a program", 0x8298: b"a right"}
    data = piexif.dump(
        {
            "0th": tags,
            "Exif": {0x927C: b"maker note", 0x829A: (1, 50)},
            "Interop": {1: b"R98"},
            "1st": {0x0103: 6},
            "thumbnail": _THUMBNAIL,
        }
    )
    before, plain = piexif.load(data), without_orientation(data)
    del before["0th"][0x0112]
    assert piexif.load(plain) == before
    assert orientation_of(plain) is None
    assert len(plain) == len(data)
    at = data.index(before["thumbnail"])
    assert plain[at:] == data[at:]
    assert without_orientation(plain) == plain


@pytest.mark.parametrize("thumbnail", [b"", _THUMBNAIL])
def test_exif_data_are_sound_if_pillow_reads_them_without_a_warning(thumbnail: bytes) -> None:
    data = exif(6, thumbnail=thumbnail)
    assert is_sound(data)
    assert is_sound(data[6:])
    assert not any(is_sound(data[:end]) for end in range(90))
    for place in (20, 32, 44):  # numbers of values in the first directory
        assert not is_sound(data[:place] + b"\x7f\xff\xff\xff" + data[place + 4 :])


def test_a_size_that_a_field_cannot_hold_is_left() -> None:
    data = with_size(exif(), (70_000, 48))
    found = piexif.load(data)["Exif"]
    assert (found[0xA002], found[0xA003]) == (48, 48)  # SHORT, LONG
    assert with_size(data, (0, 5)) == data


@given(st.binary(max_size=60), st.integers(0, 150), st.integers(0, 255))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_no_exif_data_stop_it(noise: bytes, position: int, value: int) -> None:
    damaged = bytearray(exif(6, thumbnail=_THUMBNAIL[:40]))
    damaged[position] = value
    for data in (noise, b"Exif\0\0MM\0*" + noise, bytes(damaged), bytes(damaged[:position])):
        assert len(with_size(made_upright(data), (5, 3))) == len(data)
        assert thumbnail_size(data) >= 0


def test_a_directory_below_itself_ends() -> None:
    data = b"II*\0" + struct.pack("<LHHHLLL", 8, 1, 0x8769, 4, 1, 8, 8)
    assert with_size(made_upright(data), (5, 3))[:8] == data[:8]


def test_files_without_exif_have_no_orientation() -> None:
    assert orientation_of(b"") is None
    assert orientation_of(Image.open(io.BytesIO(jpeg())).info.get("exif", b"")) is None
