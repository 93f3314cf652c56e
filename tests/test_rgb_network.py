"""The networks from RGB to RGB: the same results as from planes, without a trace of color in gray pictures."""

import pytest
import torch

from argan_hf.jpeg.color import rgb_to_ycbcr_unrounded, ycbcr_to_rgb_unclipped
from argan_hf.plain_network import load_plain_network
from argan_hf.rgb_network import RgbNetwork

CHECKPOINTS = ("argan-jpeg-color", "argan-jpeg-luma")


def _networks(name: str) -> tuple[torch.nn.Module, RgbNetwork]:
    plain = load_plain_network(name)
    assert plain is not None
    network = RgbNetwork(plain.config)
    network.load_state_dict(plain.state_dict())
    return plain, network.eval()


@pytest.mark.parametrize("name", CHECKPOINTS)
@torch.inference_mode()
def test_it_restores_the_planes_of_the_picture(name: str) -> None:
    plain, network = _networks(name)
    picture = torch.rand(1, 3, 37, 50)
    planes = rgb_to_ycbcr_unrounded(picture * 255)
    known = plain.config.num_channels
    planes[:, :known] = plain(planes[:, :known] / 255).reconstruction * 255
    expected = ycbcr_to_rgb_unclipped(planes).clamp(0, 255)
    # The constants of libjpeg have 16 bits.
    assert (network(picture) * 255 - expected).abs().max() < 0.01


@pytest.mark.parametrize("name", CHECKPOINTS)
@torch.inference_mode()
def test_gray_stays_gray_beside_a_colored_picture(name: str) -> None:
    plain, network = _networks(name)
    gray = torch.rand(1, 1, 24, 40)
    restored = network(torch.cat((gray.expand(1, 3, -1, -1), torch.rand(1, 3, 24, 40))))
    assert torch.equal(restored[0, 0], restored[0, 1])
    assert torch.equal(restored[0, 0], restored[0, 2])
    assert (restored[0, 0] - plain(gray).reconstruction.clamp(0, 1)[0, 0]).abs().max() < 1e-6
    assert not torch.equal(restored[1, 0], restored[1, 1])


@pytest.mark.parametrize("name", CHECKPOINTS)
@torch.inference_mode()
def test_weights_of_16_bits_change_less_than_half_a_gray_level(name: str) -> None:
    _, network = _networks(name)
    picture = torch.rand(1, 3, 32, 32)
    expected = network(picture)
    network.half()
    assert (network(picture) - expected).abs().max() * 255 < 0.2
    restored = network(picture.half())
    assert restored.dtype == torch.float16
    assert (restored - expected).abs().max() * 255 < 0.5


def test_planes_are_refused() -> None:
    _, network = _networks("argan-jpeg-color")
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\), RGB, found \(1, 1, 8, 8\)"):
        network(torch.rand(1, 1, 8, 8))
