import pytest
import torch

from argan_hf.degradation import DegradationSettings, DegradedCrops, degrade_luma
from argan_hf.jpeg import compress_planes, quantization_tables

CROPS = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


def _degrade(settings: DegradationSettings, seed: int = 0) -> DegradedCrops:
    return degrade_luma(CROPS, settings, torch.Generator().manual_seed(seed))


def test_the_degraded_crop_is_the_original_after_its_tables() -> None:
    pairs = _degrade(DegradationSettings(min_quality=5, max_quality=95))
    assert torch.equal(pairs.degraded[:, 0], compress_planes(pairs.original[:, 0], pairs.quantization[:, 0]))
    assert torch.equal(pairs.quantization, quantization_tables(pairs.quality)[:, :1])


def test_one_seed_gives_one_result() -> None:
    settings = DegradationSettings()
    first, again, other = _degrade(settings), _degrade(settings), _degrade(settings, seed=1)
    assert torch.equal(first.degraded, again.degraded)
    assert not torch.equal(first.quality, other.quality)


def test_qualities_stay_in_range_and_reach_its_ends() -> None:
    crops = torch.zeros(4000, 3, 1, 1, dtype=torch.uint8)
    settings = DegradationSettings(min_quality=10, max_quality=13)
    quality = degrade_luma(crops, settings, torch.Generator().manual_seed(0)).quality
    counts = torch.bincount(quality, minlength=14)[10:]
    assert counts.sum() == 4000
    assert counts.min() > 850
    skewed = DegradationSettings(min_quality=10, max_quality=90, quality_skew=3.0)
    assert degrade_luma(crops, skewed, torch.Generator().manual_seed(0)).quality.float().mean() < 35


def test_the_share_of_studio_swing() -> None:
    white = torch.full((200, 3, 8, 8), 255, dtype=torch.uint8)
    for share, expected in ((0.0, {255}), (1.0, {235}), (0.5, {235, 255})):
        settings = DegradationSettings(studio_swing_share=share)
        assert set(degrade_luma(white, settings, torch.Generator()).original.unique().tolist()) == expected


@pytest.mark.parametrize(
    "fields", [{"min_quality": 0}, {"min_quality": 50}, {"quality_skew": 0}, {"studio_swing_share": 1.5}]
)
def test_impossible_settings_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"found|must"):
        DegradationSettings(**fields)
