from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.containers.opening import UnreadableImageError, load_pixels, open_image
from argan_hf.jpeg import quantization_tables, read_jpeg
from argan_hf.jpeg.header import read_header
from tests.conftest import jpeg_bytes
from tests.containers.test_opening import giant_jpeg


def _with_frame_byte(photo: Image.Image, position: int, value: int) -> bytes:
    """A JPEG file whose frame header was changed: 1 is the kind of coding, 4 the bits per channel."""
    data = bytearray(jpeg_bytes(photo))
    data[data.index(b"\xff\xc0") + position] = value
    return bytes(data)


@pytest.mark.parametrize(("subsampling", "name"), [("4:2:0", "4:2:0"), ("4:2:2", "4:2:2"), ("4:4:4", "4:4:4")])
def test_a_color_file_tells_its_tables_sampling_and_quality(photo: Image.Image, subsampling: str, name: str) -> None:
    file = read_jpeg(jpeg_bytes(photo, quality=37, subsampling=subsampling))
    assert (file.sampling, file.quality, file.standard, file.progressive) == (name, 37, True, False)
    assert (file.width, file.height) == photo.size
    assert torch.equal(file.tables, quantization_tables(37)[[0, 1, 1]])
    assert file.planes.shape == (3, *photo.size[::-1])
    assert file.planes.dtype == torch.uint8


def test_a_gray_file_has_one_plane_equal_to_pillows(photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("L"), quality=20, progressive=True)
    file = read_jpeg(data)
    assert (file.sampling, file.progressive) == ("gray", True)
    assert torch.equal(file.planes[0], torch.from_numpy(np.array(open_image(data))))


def test_own_tables_are_told_from_standard_ones(photo: Image.Image) -> None:
    tables = quantization_tables(80) + torch.eye(8, dtype=torch.int32)
    file = read_jpeg(jpeg_bytes(photo, qtables=tables.flatten(1).tolist()))
    assert not file.standard
    assert torch.equal(file.tables[0], tables[0])
    assert abs(file.quality - 80) <= 3


def test_a_chroma_table_of_its_own_is_told_from_the_standard_one(photo: Image.Image) -> None:
    luma, chroma = quantization_tables(80)
    file = read_jpeg(jpeg_bytes(photo, qtables=[luma.flatten().tolist(), (chroma + 1).flatten().tolist()]))
    assert not file.standard
    assert torch.equal(file.tables, torch.stack((luma, chroma + 1, chroma + 1)))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({11: 0x12}, "4:4:0"),
        ({11: 0x41}, "4:1:1"),
        ({11: 0x42}, "4:1:0"),
        ({11: 0x13}, "1x3,1x1,1x1"),
        ({11: 0x11, 17: 0x21}, "1x1,1x1,2x1"),
        ({14: 0x21}, "2x2,2x1,1x1"),
    ],
)
def test_every_sampling_has_its_name(photo: Image.Image, changes: dict[int, int], name: str) -> None:
    data = bytearray(jpeg_bytes(photo))
    for position, factors in changes.items():
        data[data.index(b"\xff\xc0") + position] = factors
    assert read_header(open_image(bytes(data))).sampling == name


def test_the_sampling_of_four_inks_is_that_of_each(photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("CMYK"), subsampling=0)
    assert read_header(open_image(data)).sampling == "1x1,1x1,1x1,1x1"


def test_what_is_no_jpeg_is_refused_in_words(tmp_path: Path, photo: Image.Image) -> None:
    png, text = tmp_path / "a.png", tmp_path / "notes.jpg"
    photo.save(png)
    text.write_text("not a picture")
    for source, words in [
        (png, "a.png is a PNG file, expected JPEG"),
        (text, "notes.jpg is not a picture"),
        (tmp_path / "missing.jpg", "missing.jpg cannot be read"),
        (b"", "empty"),
        (jpeg_bytes(photo)[:1500], "ends early"),
        (giant_jpeg(), "claims to hold 4,294.8 megapixels, more than the limit of 200"),
        (jpeg_bytes(photo)[:300], "ends early"),
        (_with_frame_byte(photo, 4, 12), "12 bits per channel, expected 8"),
        (_with_frame_byte(photo, 1, 0xC3), "damaged"),
        # A decoder that stumbles says something about buffers and offsets.
        (b"GIF89a\1\0", "damaged GIF or of a kind that cannot be read: its data make no sense"),
        (_with_frame_byte(photo, 15, 3), "quantization table 3 is missing"),
        (jpeg_bytes(photo, quality=100).replace(b"\xff\xdb\0\x43\0\1", b"\xff\xdb\0\x43\0\0"), "hold zeros"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "a PostScript file"),
        (jpeg_bytes(photo.convert("CMYK")), "CMYK"),
    ]:
        with pytest.raises(UnreadableImageError, match=words):
            read_jpeg(source)


def test_the_header_is_read_without_decoding(photo: Image.Image) -> None:
    image = open_image(jpeg_bytes(photo, quality=64)[:1500])
    assert read_header(image).quality == 64
    with pytest.raises(UnreadableImageError, match="ends early"):
        load_pixels(image)
