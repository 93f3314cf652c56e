import pytest
import torch
from PIL import Image

from argan_hf.jpeg import compress_plane, quantization_tables, read_jpeg, recover_coefficients, rgb_to_ycbcr
from argan_hf.jpeg.codec import decode_planes, encode_planes
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes
from tests.jpeg.samples import coefficients_of, luma


@pytest.mark.parametrize(("quality", "least"), [(5, 1.0), (10, 0.999), (50, 0.999), (75, 0.999)])
def test_the_files_coefficients_are_found_again(quality: int, least: float) -> None:
    table = quantization_tables(quality)[0]
    for index in range(4):
        plane = luma(index)
        found = recover_coefficients(compress_plane(plane[None], table)[0], table)
        assert (found == coefficients_of(plane, table)).flatten(2).all(2).float().mean() >= least


def test_clipped_blocks_are_completed() -> None:
    # Edges between black and white: ringing is cut off at 0 and 255, and the plain DCT is no longer the file's.
    squares = (torch.rand(20, 20) < 0.5).to(torch.uint8) * 255
    plane = squares.repeat_interleave(8, 0).repeat_interleave(8, 1).roll((3, 5), (0, 1))
    table = quantization_tables(10)[0]
    shown = compress_plane(plane[None], table)[0]
    truth = coefficients_of(plane, table)
    plain = (coefficients_of(shown, table) == truth).flatten(2).all(2).float().mean()
    found = (recover_coefficients(shown, table) == truth).flatten(2).all(2).float().mean()
    assert plain < 0.3
    assert found > plain + 0.4


def test_luma_of_a_color_file(photo: Image.Image) -> None:
    file = read_jpeg(jpeg_bytes(photo, quality=20))
    found = recover_coefficients(file.planes[0], file.tables[0])
    truth = coefficients_of(rgb_to_ycbcr(image_to_tensor(photo))[0], file.tables[0])
    assert (found == truth).flatten(2).all(2).float().mean() > 0.99


@pytest.mark.parametrize("step", [1, 2, 17, 255, 65535])
def test_samples_that_were_not_clipped_are_encoded_as_the_codec_does(step: int) -> None:
    # Noise, and flat blocks whose coefficients lie exactly between two multiples of even steps.
    plane = torch.randint(1, 255, (83, 4101), dtype=torch.uint8)
    plane[:40, :2048] = plane[:40:8, :2048:8].repeat_interleave(8, 0).repeat_interleave(8, 1)
    table = torch.full((8, 8), step)
    assert torch.equal(recover_coefficients(plane, table), coefficients_of(plane, table))


def test_clipped_blocks_that_decode_to_themselves_are_encoded_as_the_codec_does() -> None:
    table = quantization_tables(30)[0]
    plane = compress_plane((luma(0)[None, :200, :296].int() * 2 - 128).clamp(0, 255).to(torch.uint8), table)[0]
    truth = coefficients_of(plane, table)
    shown = decode_planes(encode_planes(plane[None], table), table, 200, 296)[0]
    is_same = (shown == plane).view(25, 8, 37, 8).transpose(1, 2).flatten(2).all(2)
    is_clipped = ((plane == 0) | (plane == 255)).view(25, 8, 37, 8).transpose(1, 2).flatten(2).any(2)
    found = recover_coefficients(plane, table)
    assert (is_same & is_clipped).sum() > 20
    assert torch.equal(found[is_same | ~is_clipped], truth[is_same | ~is_clipped])
    # The others are found otherwise.
    assert not torch.equal(found, truth)
