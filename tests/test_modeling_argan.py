import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForImageToImage

from argan_hf import ArganConfig, ArganDiscriminator, ArganDiscriminatorConfig, ArganForImageRestoration
from argan_hf.wavelet_argan import haar_details
from tests.conftest import scramble


def test_the_defaults_are_the_papers_network() -> None:
    generator = ArganForImageRestoration(ArganConfig())
    discriminator = ArganDiscriminator(ArganDiscriminatorConfig())
    assert sum(p.numel() for p in generator.parameters()) == 6_166_209
    assert sum(p.numel() for p in discriminator.parameters()) == 2_763_585
    assert discriminator(torch.rand(3, 1, 64, 64)).logits.shape == (3, 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 37), (3, 2), (16, 16), (17, 33), (40, 64)])
def test_any_size_is_restored_at_its_size(model: ArganForImageRestoration, height: int, width: int) -> None:
    planes = torch.rand(2, model.config.num_channels, height, width)
    reconstruction = model(planes).reconstruction
    assert reconstruction.shape == planes.shape
    assert reconstruction.isfinite().all()


def test_padding_repeats_the_border(model: ArganForImageRestoration) -> None:
    divisor = model.config.size_divisor
    planes = torch.rand(1, model.config.num_channels, 2 * divisor - 3, divisor)
    padded = torch.nn.functional.pad(planes, (0, 0, 0, 3), mode="replicate")
    assert torch.equal(model(planes).reconstruction, model(padded).reconstruction[:, :, :-3])


def test_save_and_load_give_equal_outputs(model: ArganForImageRestoration, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    planes = torch.rand(1, model.config.num_channels, 20, 28)
    expected = model(planes).reconstruction
    for loader in (ArganForImageRestoration, AutoModelForImageToImage, AutoModel):
        loaded = loader.from_pretrained(tmp_path)
        assert isinstance(loaded, ArganForImageRestoration)
        # A copy, because weights in a mapped file are aligned differently, and kernels round by alignment.
        assert torch.equal(copy.deepcopy(loaded)(planes).reconstruction, expected)
    assert AutoConfig.from_pretrained(tmp_path).to_diff_dict() == model.config.to_diff_dict()


def test_every_parameter_gets_a_gradient(model: ArganForImageRestoration) -> None:
    model.train()
    planes = torch.rand(2, model.config.num_channels, 24, 24)
    tables = torch.randint(1, 255, (2, model.config.num_channels, 8, 8))
    model(planes, quantization=tables, labels=torch.rand_like(planes)).loss.backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


JUDGES = {
    "paper": {},
    "textures": {"num_channels": 3, "wavelet_levels": 2, "conditional": True, "normalization": "none"},
    "pairs": {"num_channels": 3, "conditional": True},
}


@pytest.fixture(params=JUDGES)
def judge(request: pytest.FixtureRequest) -> ArganDiscriminator:
    return ArganDiscriminator(ArganDiscriminatorConfig(hidden_sizes=(4, 8), **JUDGES[request.param]))


def test_every_parameter_of_the_discriminator_gets_a_gradient(judge: ArganDiscriminator) -> None:
    planes, condition = torch.rand(2, 2, judge.config.num_channels, 20, 24)
    judge(planes, condition).logits.square().sum().backward()
    assert not [n for n, p in judge.named_parameters() if p.grad is None or not p.grad.any()]


def test_a_saved_discriminator_judges_the_same(judge: ArganDiscriminator, tmp_path: Path) -> None:
    planes, condition = torch.rand(2, 2, judge.config.num_channels, 20, 24)
    judge(planes, condition)
    judge.eval().save_pretrained(tmp_path)
    loaded = copy.deepcopy(AutoModel.from_pretrained(tmp_path))
    assert torch.equal(loaded(planes, condition).logits, judge(planes, condition).logits)


def test_a_judge_of_textures_sees_neither_color_nor_brightness() -> None:
    config = ArganDiscriminatorConfig(hidden_sizes=(4, 8), num_channels=3, wavelet_levels=2)
    judge = ArganDiscriminator(config).eval()
    planes = torch.rand(2, 3, 16, 16)
    other = torch.cat((planes[:, :1] + 0.25, torch.rand(2, 2, 16, 16)), dim=1)
    assert torch.allclose(judge(planes).logits, judge(other).logits, atol=1e-4)
    assert not torch.allclose(judge(planes).logits, judge(planes.flip(3)).logits, atol=1e-4)


def test_a_judge_of_pairs_wants_a_pair() -> None:
    judge = ArganDiscriminator(ArganDiscriminatorConfig(hidden_sizes=(4, 8), conditional=True))
    with pytest.raises(ValueError, match="condition must be the degraded crops"):
        judge(torch.rand(1, 1, 16, 16))


def test_details_and_the_mean_make_up_the_plane() -> None:
    plane = torch.rand(1, 1, 9, 7, dtype=torch.float64)
    details = haar_details(plane, 1)
    below = torch.cat((plane[..., 1:, :], plane[..., -1:, :]), dim=2)
    square = [half for side in (plane, below) for half in (side, torch.cat((side[..., 1:], side[..., -1:]), dim=3))]
    mean = sum(square) / 4
    assert torch.allclose(mean + details.sum(dim=1, keepdim=True), plane)
    assert haar_details(plane, 3).shape == (1, 9, 9, 7)
    assert not haar_details(torch.full((1, 1, 8, 8), 0.3), 2).any()


def test_the_loss_is_the_mean_squared_error(model: ArganForImageRestoration) -> None:
    planes, labels = torch.rand(2, 2, model.config.num_channels, 16, 16)
    output = model(planes, labels=labels)
    assert torch.allclose(output.loss, (output.reconstruction - labels).square().mean())
    loss, reconstruction = model(planes, labels=labels, return_dict=False)
    assert torch.equal(loss, output.loss)
    assert torch.equal(reconstruction, output.reconstruction)


def test_an_untrained_residual_network_is_the_identity(residual_config: ArganConfig) -> None:
    network = ArganForImageRestoration(residual_config)
    planes = torch.rand(2, 3, 17, 21)
    tables = torch.randint(1, 255, (2, 3, 8, 8))
    assert torch.equal(network(planes, quantization=tables).reconstruction, planes)


def test_tables_matter_to_a_conditioned_network_and_zeros_mean_unknown(residual_config: ArganConfig) -> None:
    network = scramble(ArganForImageRestoration(residual_config))
    planes = torch.rand(2, 3, 16, 16)
    blind = network(planes).reconstruction
    zeros = torch.zeros(2, 3, 8, 8, dtype=torch.int32)
    assert torch.equal(network(planes, quantization=zeros).reconstruction, blind)
    fine, coarse = network(planes, quantization=zeros + 2), network(planes, quantization=zeros + 90)
    assert not torch.equal(fine.reconstruction, coarse.reconstruction)
    assert not torch.equal(fine.reconstruction, blind)


def test_a_gray_picture_passes_a_color_network_as_neutral_color(residual_config: ArganConfig) -> None:
    network = scramble(ArganForImageRestoration(residual_config))
    luma = torch.rand(1, 1, 16, 24)
    neutral = torch.full((1, 2, 16, 24), 128 / 255)
    tables = torch.full((1, 1, 8, 8), 7)
    gray = network(luma, quantization=tables).reconstruction
    color_tables = torch.cat((tables, torch.zeros(1, 2, 8, 8, dtype=torch.int64)), dim=1)
    assert torch.equal(gray, network(torch.cat((luma, neutral), 1), quantization=color_tables).reconstruction[:, :1])


def test_nothing_depends_on_the_rest_of_the_batch(model: ArganForImageRestoration) -> None:
    planes = torch.rand(4, model.config.num_channels, 16, 16)
    alone = torch.cat([model(one[None]).reconstruction for one in planes])
    assert torch.allclose(model(planes).reconstruction, alone, atol=1e-5, rtol=1e-4)


def test_wrong_shapes_are_refused_in_words(model: ArganForImageRestoration) -> None:
    with pytest.raises(ValueError, match=r"\(B, C, H, W\)"):
        model(torch.rand(1, 8, 8))
    with pytest.raises(ValueError, match="plane"):
        model(torch.rand(1, 2, 8, 8))
    with pytest.raises(ValueError, match="at least 64x64"):
        ArganDiscriminator(ArganDiscriminatorConfig())(torch.rand(1, 1, 63, 64))


@pytest.mark.parametrize(
    "fields",
    [
        {"num_channels": 2},
        {"hidden_sizes": ()},
        {"block_type": "residual"},
        {"block_type": "wavelet"},
        {"depths": (1,)},
        {"condition_on_quantization": True},
    ],
)
def test_impossible_configurations_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"(?i)validat|must|belong"):
        ArganConfig(**fields)
