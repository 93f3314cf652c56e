import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from argan_hf import UnreadableImageError
from argan_hf.containers.opening import open_image
from argan_hf.jpeg.color import as_pixels
from argan_hf.picture import PictureParts, put_together, take_apart
from tests.conftest import jpeg_bytes


def _round_trip(parts: PictureParts) -> Image.Image:
    planes = parts.planes_at(slice(None), slice(None))
    return put_together(parts, as_pixels(planes).permute(1, 2, 0)).image


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _with_segment(data: bytes, segment: bytes) -> bytes:
    """A JPEG file with another segment right after its start."""
    return data[:2] + segment + data[2:]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_a_picture_of_any_mode_is_put_together_as_it_was(photo: Image.Image, mode: str) -> None:
    image = photo.convert("L").convert("LA").convert("PA") if mode == "PA" else photo.convert(mode)
    expected = image.convert({"1": "L", "P": "RGB", "PA": "RGBA", "YCbCr": "RGB"}.get(mode, mode))
    found = _round_trip(take_apart(image))
    assert found.mode == expected.mode
    assert np.array_equal(np.array(found), np.array(expected))


@pytest.mark.parametrize("given_by", ["marker", "names of components"])
def test_a_jpeg_says_in_two_ways_that_it_stores_rgb(photo: Image.Image, given_by: str) -> None:
    data = bytearray(jpeg_bytes(photo, quality=60, keep_rgb=True))
    expected = np.array(open_image(bytes(data)))
    if given_by == "marker":
        for position, name in ((10, 1), (13, 2), (16, 3)):
            data[data.index(b"\xff\xc0") + position] = name
        for position, name in ((5, 1), (7, 2), (9, 3)):
            data[data.index(b"\xff\xda") + position] = name
    else:
        marker = data.index(b"\xff\xee")
        del data[marker : marker + 16]
    parts = take_apart(bytes(data))
    assert parts.rgb
    assert parts.tables is None
    assert parts.quality == 60
    assert np.array_equal(np.array(_round_trip(parts)), expected)


def test_a_gray_jpeg_from_a_program_that_marks_its_files_is_one_of_tables(photo: Image.Image) -> None:
    marked = _with_segment(jpeg_bytes(photo.convert("L"), quality=60), _segment(0xEE, b"Adobe\0\x64" + bytes(5)))
    parts = take_apart(marked)
    assert parts.samples.shape[0] == 1
    assert parts.tables is not None


def test_captions_of_a_jpeg_are_found_whatever_its_colors(photo: Image.Image) -> None:
    caption = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHL", 0x0404, 0, 4) + b"view"
    for kind in ("L", "RGB", "CMYK"):
        parts = take_apart(_with_segment(jpeg_bytes(photo.convert(kind)), _segment(0xED, caption)))
        assert parts.info["iptc"] == b"view"


def test_tables_belong_to_a_grid_at_the_corner_unless_luma_was_enlarged(photo: Image.Image) -> None:
    parts = take_apart(jpeg_bytes(photo, quality=30))
    assert parts.tables is not None
    assert parts.grid_table is not None
    assert torch.equal(parts.grid_table, parts.tables[0])
    # Six blocks without any coefficient, one of luma and four and one of chroma: Pillow writes no such file.
    data = bytearray(jpeg_bytes(Image.new("RGB", (16, 16), (128, 128, 128)), quality=30))
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    data[frame + 11], data[frame + 14] = 0x11, 0x22
    data[scan + 6] = data[scan + 8] = data[scan + 10] = 0
    blocks = int("001010" * 6 + "1111", 2).to_bytes(5, "big")
    coarse = take_apart(bytes(data[: scan + 14]) + blocks + b"\xff\xd9")
    assert coarse.sampling == "1x1,2x2,1x1"
    assert coarse.tables is not None
    assert coarse.grid_table is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_file_that_ends_early_is_refused_in_words(photo: Image.Image, kind: str) -> None:
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    with pytest.raises(UnreadableImageError, match="damaged"):
        take_apart(buffer.getvalue()[:3000])


def test_a_damaged_second_frame_is_mentioned_and_costs_nothing(photo: Image.Image) -> None:
    buffer = io.BytesIO()
    photo.save(buffer, "GIF", save_all=True, append_images=[photo.rotate(180)])
    whole = buffer.getvalue()
    first = np.array(open_image(whole).convert("RGB"))
    # Behind a comma stand place and size of a frame.
    second = whole.rindex(struct.pack("<cHHHH", b",", 0, 0, *photo.size))
    for kept in range(second + 1, second + 20):
        parts = take_apart(whole[:kept])
        assert any("only one of them" in note for note in parts.notes)
        assert np.array_equal(np.array(_round_trip(parts)), first)


def test_a_picture_is_neutral_only_if_no_pixel_has_color(photo: Image.Image) -> None:
    gray = photo.convert("L").convert("RGB")
    assert take_apart(gray).is_neutral
    assert take_apart(jpeg_bytes(gray)).is_neutral
    assert not take_apart(gray.convert("L")).is_neutral
    assert not take_apart(photo).is_neutral
    gray.putpixel((3, 3), (90, 91, 90))
    assert not take_apart(gray).is_neutral


def test_a_picture_is_turned_upright_unless_its_orientation_is_kept(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg_bytes(photo, exif=exif)
    parts = take_apart(data)
    pixels = as_pixels(parts.planes_at(slice(None), slice(None))).permute(1, 2, 0)
    as_stored = put_together(parts, pixels, upright=False).image
    assert np.array_equal(np.array(as_stored), np.array(open_image(data)))
    assert as_stored.getexif()[0x0112] == 6
    upright = put_together(parts, pixels).image
    assert np.array_equal(np.array(upright), np.array(ImageOps.exif_transpose(open_image(data))))
