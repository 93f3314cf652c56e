import copy
import json
import multiprocessing
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS, locate, weights_name
from argan_hf.defaults import DEFAULT_CHECKPOINT, REALISM_VARIANT
from argan_hf.loading import load_model
from argan_hf.variants import WeightInterpolation
from tests.conftest import jpeg_bytes, scramble


@pytest.fixture
def ends(model: ArganForImageRestoration) -> tuple[ArganForImageRestoration, ArganForImageRestoration]:
    other = scramble(ArganForImageRestoration(model.config))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.25).add_(0.01)
    return model, other


def test_names_of_the_package_are_found_and_others_left_alone(tmp_path: Path) -> None:
    assert locate("argan-jpeg-color") == CHECKPOINTS / "argan-jpeg-color"
    assert locate("owner/net") == "owner/net"
    assert locate(tmp_path) == tmp_path
    assert locate(".") == "."


def test_the_shipped_checkpoint_holds_both_variants_under_their_names() -> None:
    names = [weights_name(variant) for variant in (None, REALISM_VARIANT)]
    assert names == ["model.safetensors", "model.realism.safetensors"]
    assert all((CHECKPOINTS / DEFAULT_CHECKPOINT / name).is_file() for name in names)


def test_ends_are_exact_and_the_way_between_is_straight(
    ends: tuple[ArganForImageRestoration, ArganForImageRestoration],
) -> None:
    start, end = ends
    scale = WeightInterpolation(start, lambda: end)
    assert scale.at(0.0) is start
    for position in (0.25, 1.0):
        mixture = scale.at(position)
        assert not mixture.training
        for name, tensor in mixture.state_dict().items():
            first, last = start.state_dict()[name].double(), end.state_dict()[name].double()
            assert torch.allclose(tensor.double(), first + position * (last - first), atol=1e-6)
    assert all(torch.equal(tensor, end.state_dict()[name]) for name, tensor in scale.at(1.0).state_dict().items())


def test_a_setting_is_mixed_once_and_the_end_loaded_once(
    ends: tuple[ArganForImageRestoration, ArganForImageRestoration],
) -> None:
    start, end = ends
    loaded = []
    scale = WeightInterpolation(start, lambda: loaded.append(end) or end)
    assert not loaded
    assert scale.at(0.5) is scale.at(0.5)
    assert scale.at(0.5) is not scale.at(0.75)
    assert loaded == [end]


def test_the_last_four_mixtures_are_kept(ends: tuple[ArganForImageRestoration, ArganForImageRestoration]) -> None:
    scale = WeightInterpolation(ends[0], lambda: ends[1])
    positions = (0.2, 0.4, 0.6, 0.8)
    mixtures = [scale.at(position) for position in positions]
    assert all(scale.at(position) is mixture for position, mixture in zip(positions, mixtures, strict=True))


def test_a_wider_network_of_the_same_names_is_refused(plain_config: ArganConfig) -> None:
    start = ArganForImageRestoration(plain_config)
    wider = ArganForImageRestoration(ArganConfig(hidden_sizes=(4, 8, 12)))
    with pytest.raises(ValueError, match=r"differ in unet\.\S+, .*cannot be interpolated"):
        WeightInterpolation(start, lambda: wider).at(0.5)


def test_a_deeper_network_is_refused_by_the_name_of_what_it_has_more(residual_config: ArganConfig) -> None:
    start = ArganForImageRestoration(residual_config)
    deeper = ArganForImageRestoration(ArganConfig(**{**residual_config.to_dict(), "depths": (1, 1, 3)}))
    with pytest.raises(ValueError, match=r"differ in unet\.\S+, .*cannot be interpolated"):
        WeightInterpolation(start, lambda: deeper).at(0.5)


def test_no_code_that_comes_with_a_checkpoint_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    (tmp_path / "foreign.py").write_text(f"from pathlib import Path\nPath({str(trace)!r}).touch()\n")
    config = {"model_type": "foreign", "auto_map": {"AutoConfig": "foreign.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"trust_remote_code|custom code"):
        load_model(tmp_path)
    assert not trace.exists()


def test_networks_of_other_shapes_are_refused(
    ends: tuple[ArganForImageRestoration, ArganForImageRestoration],
) -> None:
    other = ArganForImageRestoration(ArganConfig(hidden_sizes=(4, 8)))
    with pytest.raises(ValueError, match=r"differ in unet\.\S+, .*cannot be interpolated"):
        WeightInterpolation(ends[0], lambda: other).at(0.5)


def test_a_restorer_finds_the_variant_of_its_folder(
    ends: tuple[ArganForImageRestoration, ArganForImageRestoration], tmp_path: Path
) -> None:
    start, end = ends
    start.save_pretrained(tmp_path)
    restorer = JpegRestorer.from_pretrained(tmp_path, device="cpu")
    with pytest.raises(ValueError, match="has no variant for realism: leave realism at 0"):
        restorer.model_at(0.5)
    end.save_pretrained(tmp_path, variant=REALISM_VARIANT)
    planes = torch.rand(start.config.num_channels, 24, 20) * 255
    restored = [restorer.restore_planes(planes, realism=realism) for realism in (0.0, 0.5, 1.0)]
    assert not torch.equal(restored[0], restored[1])
    # Weights and not pictures: these networks magnify what differs between two copies' order of summation.
    for picture, position, expected in ((restored[0], 0.0, start), (restored[2], 1.0, end)):
        model = restorer.model_at(position)
        assert torch.equal(picture, JpegRestorer(model, "cpu").restore_planes(planes))
        assert all(torch.equal(tensor, expected.state_dict()[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("realism", [-0.1, 1.5, float("nan")])
def test_a_position_beyond_the_scale_is_refused(model: ArganForImageRestoration, realism: float) -> None:
    restorer = JpegRestorer(model, "cpu", realism_model=model)
    with pytest.raises(ValueError, match=r"realism must lie in 0\.\.1"):
        restorer.restore_planes(torch.zeros(1, 8, 8), realism=realism)


def test_a_variant_loaded_as_the_network_has_no_scale(model: ArganForImageRestoration, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path, variant=REALISM_VARIANT)
    restorer = JpegRestorer.from_pretrained(tmp_path, device="cpu", variant=REALISM_VARIANT)
    with pytest.raises(ValueError, match="loaded without a variant"):
        restorer.model_at(0.5)


def test_a_copy_interpolates_for_itself(ends: tuple[ArganForImageRestoration, ArganForImageRestoration]) -> None:
    scale = WeightInterpolation(*ends)
    mixture = scale.at(0.5)
    for other in (copy.deepcopy(scale), pickle.loads(pickle.dumps(scale))):
        assert other.at(0.5) is other.at(0.5) is not mixture
        weights = other.at(0.5).state_dict()
        assert all(torch.equal(tensor, weights[name]) for name, tensor in mixture.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("realism", [None, "in a file", "given"])
def test_a_restorer_works_in_another_process(
    realism: str | None, checkpoint: Path, plain_config: ArganConfig, photo: Image.Image
) -> None:
    end = ArganForImageRestoration(plain_config).eval()
    if realism == "in a file":
        end.save_pretrained(checkpoint, variant=REALISM_VARIANT)
        restorer = JpegRestorer.from_pretrained(checkpoint, device="cpu")
    else:
        given = end if realism == "given" else None
        restorer = JpegRestorer(load_model(checkpoint), "cpu", realism_model=given)
    positions = (0.0, 0.5) if realism else (0.0,)
    source = jpeg_bytes(photo, quality=20)
    expected = [restorer(source, realism=position).image for position in positions]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        images = [
            pool.apply(restorer.__call__, (source,), {"realism": position}).image.tobytes() for position in positions
        ]
    assert images == [image.tobytes() for image in expected]
    assert len(set(images)) == len(positions)
