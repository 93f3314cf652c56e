import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.evaluation.methods import Method
from argan_hf.evaluation.protocol import degrade_planes, evaluate
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.training.validation import QUALITIES, validate
from tests.conftest import EXAMPLES


def _picture() -> Tensor:
    with Image.open(EXAMPLES[0]) as image:
        return image_to_tensor(image.convert("RGB"))


def _brighter(planes: Tensor) -> Tensor:
    return planes + 2 / 255


@pytest.mark.parametrize(("num_channels", "protocol", "prefix"), [(1, "luma", ""), (3, "rgb", "rgb_")])
def test_scores_equal_those_of_an_evaluation(num_channels: int, protocol: str, prefix: str) -> None:
    found = validate(_brighter, [_picture()], num_channels)
    method = Method("brighter", lambda planes, tables, quality, blocks: planes.float() + 2)
    for row in evaluate([method], EXAMPLES[:1], QUALITIES, protocol=protocol):  # type: ignore[arg-type]
        assert found.scores[f"{prefix}psnr_q{row.quality}"] == pytest.approx(row.psnr, abs=1e-6)
        assert found.scores[f"{prefix}texture_q{row.quality}"] == pytest.approx(row.high_frequency, abs=1e-6)
    assert (f"rgb_psnr_q{QUALITIES[0]}" in found.scores) == (num_channels == 3)


def test_scores_and_gain_are_means_over_pictures_qualities_and_protocols() -> None:
    pictures = [_picture()[:, :64, :64], _picture()[:, 200:296, 100:180]]
    first, second, both = (validate(_brighter, chosen, 3) for chosen in (pictures[:1], pictures[1:], pictures))
    kinds = [f"{prefix}{kind}" for prefix in ("", "rgb_") for kind in ("psnr", "gain", "texture")]
    assert set(both.scores) == {f"{kind}_q{quality}" for kind in kinds for quality in (10, 20, 30, 40)}
    for name, score in both.scores.items():
        assert score == pytest.approx((first.scores[name] + second.scores[name]) / 2)
    gains = [both.scores[f"{prefix}gain_q{quality}"] for prefix in ("", "rgb_") for quality in (10, 20, 30, 40)]
    assert both.gain == pytest.approx(sum(gains) / 8)


def test_samples_of_narrow_pictures_are_filled_up_on_the_right() -> None:
    wide, narrow = _picture()[:, :40, :100], _picture()[:, :40, :80]
    samples = validate(_brighter, [narrow, wide], 3).samples
    assert samples.shape == (3, 80, 300)
    assert torch.equal(samples[:, :40, 160:240], narrow)
    assert not samples[:, :40, 240:].any()
    assert torch.equal(samples[:, 40:, 200:], wide)


def test_what_changes_nothing_gains_nothing_and_what_spoils_loses() -> None:
    assert validate(lambda planes: planes, [_picture()], 3).gain == 0
    assert validate(_brighter, [_picture()], 3).gain < 0


@pytest.mark.parametrize("num_channels", [1, 3])
def test_samples_show_degraded_restored_original(num_channels: int) -> None:
    picture = _picture()[:, :100, :120]
    samples = validate(lambda planes: planes, [picture, picture], num_channels).samples
    assert samples.shape == (num_channels, 200, 360)
    degraded, restored, original = samples[:, :100].split(120, dim=2)
    assert torch.equal(degraded, restored)
    assert not torch.equal(degraded, original)
    if num_channels == 3:
        assert torch.equal(original, picture)
    else:
        planes, _ = degrade_planes(original[None], QUALITIES[0], "luma")
        assert torch.equal(degraded, planes)


def test_without_a_picture_there_is_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no picture"):
        validate(_brighter, [], 1)
