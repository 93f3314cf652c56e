import numpy as np
import torch
from PIL import Image

from argan_hf.containers.opening import open_image
from argan_hf.jpeg import (
    read_jpeg,
    rgb_to_studio_luma,
    rgb_to_ycbcr,
    rgb_to_ycbcr_unrounded,
    ycbcr_to_rgb,
)
from argan_hf.jpeg.color import added_by_chroma, rgb_to_ycbcr_floats, to_uint8, ycbcr_to_rgb_unclipped
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes


def test_planes_to_rgb_equals_the_decoder(photo: Image.Image) -> None:
    for quality in (5, 50, 95):
        data = jpeg_bytes(photo, quality=quality)
        decoded = image_to_tensor(open_image(data).convert("RGB"))
        assert torch.equal(ycbcr_to_rgb(read_jpeg(data).planes), decoded)


def test_every_kind_of_color_survives_the_round_trip() -> None:
    levels = torch.arange(0, 256, 5)
    rgb = torch.cartesian_prod(levels, levels, levels).T[:, None].to(torch.uint8)
    assert torch.equal(ycbcr_to_rgb(rgb_to_ycbcr_unrounded(rgb)), rgb)


def test_floats_give_what_integers_give() -> None:
    # Halves that are rounded up in luma and down in chroma, white and its neighbors, where sums need the most bits.
    bright = torch.cartesian_prod(*[torch.arange(236, 256)] * 3).T
    colors = torch.cat((torch.randint(0, 256, (3, 500_000)), bright, 255 - bright), 1)
    found = rgb_to_ycbcr_floats(*colors.float())
    assert found.dtype == torch.float32
    assert torch.equal(found, rgb_to_ycbcr(colors[:, None].to(torch.uint8))[:, 0].float())


def test_what_chroma_adds_is_what_planes_are_converted_with() -> None:
    planes = torch.rand(3, 40, 50) * 300 - 20
    before = planes.clone()
    added = torch.stack(added_by_chroma(planes[1], planes[2]))
    assert torch.equal(added + planes[0], ycbcr_to_rgb_unclipped(planes))
    assert torch.equal(planes, before)
    assert torch.equal(torch.stack(added_by_chroma(*torch.full((2, 3), 128.0))), torch.zeros(3, 3))


def test_gray_has_neutral_chroma() -> None:
    gray = torch.arange(256).expand(3, 1, 256)
    planes = rgb_to_ycbcr_unrounded(gray)
    assert torch.allclose(planes[0], gray[0].float(), atol=1e-3)
    assert torch.allclose(planes[1:], torch.full((2, 1, 256), 128.0), atol=1e-3)
    assert torch.equal(rgb_to_ycbcr(gray), to_uint8(planes))


def test_luma_of_the_encoder(photo: Image.Image) -> None:
    rgb = image_to_tensor(photo)
    pillow = torch.from_numpy(np.array(photo.convert("YCbCr")))[..., 0]
    assert (rgb_to_ycbcr(rgb)[0].int() - pillow.int()).abs().max() <= 1


def test_planes_of_flat_blocks_equal_those_that_the_encoder_made() -> None:
    # Flat blocks come through quality 100 unchanged, so the decoder shows the encoder's own rounding.
    colors = torch.randint(0, 256, (3, 1, 2**18), dtype=torch.uint8)
    to_an_edge = (rgb_to_ycbcr_unrounded(colors) % 1 - 0.5).abs().amin(0)[0]
    hard = colors[:, 0, to_an_edge.argsort()[:4096]].T.reshape(64, 64, 3).numpy()
    blocks = Image.fromarray(hard.repeat(8, 0).repeat(8, 1))
    planes = read_jpeg(jpeg_bytes(blocks, quality=100, subsampling="4:4:4")).planes
    assert torch.equal(rgb_to_ycbcr(image_to_tensor(blocks)), planes)


def test_rounding_is_within_half_a_level() -> None:
    rgb = torch.randint(0, 256, (3, 100, 100), dtype=torch.uint8)
    assert (rgb_to_ycbcr(rgb) - rgb_to_ycbcr_unrounded(rgb)).abs().max() <= 0.5001


def test_studio_luma_spans_16_to_235() -> None:
    rgb = torch.tensor([[0, 255, 255], [0, 255, 0], [0, 255, 0]])[:, None]
    assert rgb_to_studio_luma(rgb).flatten().tolist() == [16, 235, 81]


def test_studio_luma_is_the_weighted_sum_rounded_to_nearest() -> None:
    red, green, blue = rgb = torch.randint(0, 256, (3, 100, 100))
    in_thousandths = (65_481 * red + 128_553 * green + 24_966 * blue) * 1000 // 255 + 16_000_000
    assert torch.equal(rgb_to_studio_luma(rgb)[0], ((in_thousandths + 500_000) // 1_000_000).to(torch.uint8))


def test_halves_round_up_and_the_range_is_kept() -> None:
    assert to_uint8(torch.tensor([-3.0, 0.5, 1.49, 254.5, 300.0])).tolist() == [0, 1, 1, 255, 255]
