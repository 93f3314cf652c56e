from dataclasses import dataclass

import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import compress, compress_plane, compress_ycbcr, quantization_tables, rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.training.degradation import degrade
from argan_hf.training.degradation_draws import draw_degradations
from argan_hf.training.degradation_settings import DegradationSettings
from tests.conftest import EXAMPLES

EVERYTHING = DegradationSettings(
    min_quality=5,
    max_quality=95,
    gray_share=0.2,
    offset_share=0.5,
    earlier_share=0.5,
    resize_share=0.5,
    custom_table_share=0.5,
    unknown_table_share=0.3,
    clean_share=0.1,
)


def _canvases(size: int, count: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    with Image.open(EXAMPLES[2]) as image:
        pixels = image_to_tensor(image.convert("RGB"))
    corners = torch.randint(0, 576 - size, (count, 2), generator=generator).tolist()
    return torch.stack([pixels[:, y : y + size, x : x + size] for y, x in corners])


@dataclass
class Crops:
    """Degraded crops, and for each of them what was drawn and took place."""

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    quality: Tensor
    subsampling: list[str]
    offset: Tensor
    earlier_quality: Tensor
    scale: Tensor


def _draw_and_degrade(
    canvases: Tensor, settings: DegradationSettings, seed: int = 0, *, crop_size: int, planes: int
) -> Crops:
    count, generator = len(canvases), torch.Generator().manual_seed(seed)
    draws = draw_degradations(settings, generator, batches=1, batch_size=count, num_channels=planes)[0]
    pairs = degrade(canvases, draws, settings, crop_size=crop_size, num_channels=planes)
    names = [("4:2:0", "4:2:2", "4:4:4")[index] for index in draws.subsampling]
    earlier_quality, scale = torch.zeros(count, dtype=torch.int64), torch.ones(count)
    earlier_quality[draws.earlier] = draws.earlier_quality * draws.compressed
    scale[draws.earlier[draws.resized[draws.zoomed]]] = draws.scale[draws.zoomed]
    return Crops(
        pairs.degraded,
        pairs.original,
        pairs.quantization,
        quality=draws.quality * ~draws.clean,
        subsampling=["gray" if is_gray else name for is_gray, name in zip(draws.gray, names, strict=True)],
        offset=draws.offset,
        earlier_quality=earlier_quality * ~draws.clean,
        scale=scale,
    )


def _degrade(settings: DegradationSettings, *, planes: int = 1, seed: int = 0, crop_size: int = 32) -> Crops:
    canvases = _canvases(settings.canvas_size(crop_size))
    return _draw_and_degrade(canvases, settings, seed, crop_size=crop_size, planes=planes)


def test_a_luma_crop_is_the_original_after_its_tables() -> None:
    pairs = _degrade(DegradationSettings(min_quality=5, max_quality=95))
    assert torch.equal(pairs.degraded[:, 0], compress_plane(pairs.original[:, 0], pairs.quantization[:, 0]))
    assert torch.equal(pairs.quantization, quantization_tables(pairs.quality)[:, :1])


def test_a_color_crop_is_the_original_after_its_tables_and_sampling() -> None:
    pairs = _degrade(DegradationSettings(min_quality=5, max_quality=95), planes=3)
    expected = compress_ycbcr(pairs.original, pairs.quantization[:, :2], pairs.subsampling)
    assert torch.equal(pairs.degraded, expected)
    assert set(pairs.subsampling) == {"4:2:0", "4:2:2", "4:4:4"}


def test_gray_crops_have_neutral_chroma_and_no_chroma_table() -> None:
    pairs = _degrade(DegradationSettings(gray_share=0.5), planes=3)
    gray = torch.tensor([name == "gray" for name in pairs.subsampling])
    assert 16 < gray.sum() < 48
    for planes in (pairs.original, pairs.degraded):
        assert (planes[gray, 1:] == 128).all()
    assert not pairs.quantization[gray, 1:].any()
    assert pairs.quantization[~gray].all()
    assert pairs.quantization[:, 0].all()


def test_a_shifted_crop_is_cut_from_a_compressed_canvas() -> None:
    settings = DegradationSettings(offset_share=1.0, studio_swing_share=0.0)
    pairs = _degrade(settings)
    luma = rgb_to_ycbcr(_canvases(48))[:, 0]
    whole = compress_plane(luma, quantization_tables(pairs.quality)[:, 0])
    for index, (row, column) in enumerate(pairs.offset.tolist()):
        window = (index, slice(row, row + 32), slice(column, column + 32))
        assert torch.equal(pairs.degraded[index, 0], whole[window])
        assert torch.equal(pairs.original[index, 0], luma[window])
    assert pairs.offset.unique().tolist() == list(range(16))


def test_an_earlier_compression_happens_before_the_last() -> None:
    settings = DegradationSettings(earlier_share=0.5, studio_swing_share=0.0, min_quality=30, max_quality=60)
    pairs = _degrade(settings)
    once = pairs.earlier_quality == 0
    assert 16 < once.sum() < 48
    luma = rgb_to_ycbcr(_canvases(48))[:, 0]
    single = compress_plane(luma, quantization_tables(pairs.quality)[:, 0])[:, None, :32, :32]
    assert torch.equal(pairs.degraded[once], single[once])
    different = (pairs.degraded[~once] != single[~once]).flatten(1).any(1)
    assert different.all()
    assert torch.equal(pairs.original, luma[:, None, :32, :32])


@pytest.mark.parametrize("seed", range(12))
def test_places_that_stay_empty_change_nothing(seed: int) -> None:
    """In batches of three, the only place for an earlier compression is taken in six of ten."""
    settings = DegradationSettings(
        earlier_share=0.2, resize_share=0.5, studio_swing_share=0.0, min_quality=30, max_quality=60
    )
    canvases = _canvases(settings.canvas_size(32), 3)
    pairs = _draw_and_degrade(canvases, settings, seed, crop_size=32, planes=1)
    start = (canvases.shape[-1] - 48) // 2
    luma = rgb_to_ycbcr(canvases[:, :, start : start + 48, start : start + 48])[:, 0]
    once, whole = pairs.earlier_quality == 0, pairs.scale == 1
    single = compress_plane(luma, quantization_tables(pairs.quality)[:, 0])[:, None, :32, :32]
    assert torch.equal(pairs.degraded[once], single[once])
    assert torch.equal(pairs.original[whole], luma[whole, None, :32, :32])
    assert (pairs.degraded[~once] != single[~once]).flatten(1).any(1).all()
    assert (pairs.original[~whole] != luma[~whole, None, :32, :32]).flatten(1).any(1).all()


def test_resizing_in_between_moves_original_and_degraded_alike() -> None:
    settings = DegradationSettings(earlier_share=1.0, resize_share=1.0, min_quality=98, max_quality=98)
    assert settings.canvas_size(32) == 64
    pairs = _degrade(settings)
    assert pairs.scale.min() >= 0.75
    assert pairs.scale.max() <= 1.5
    assert pairs.scale.std() > 0.1
    difference = (pairs.degraded.float() - pairs.original.float()).abs()
    assert difference.mean() < 1.5
    assert not torch.equal(pairs.original, _degrade(DegradationSettings(earlier_share=1.0)).original)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_resizing_enlarges_around_the_middle_of_the_canvas(scale: float) -> None:
    settings = DegradationSettings(
        min_quality=100,
        max_quality=100,
        studio_swing_share=0.0,
        earlier_share=1.0,
        resize_share=0.5,
        min_scale=scale,
        max_scale=scale,
    )
    size = settings.canvas_size(32)
    assert size == {0.7: 70, 1.0: 48, 1.5: 48}[scale]
    slope = 3
    ramp = (250 - slope * torch.arange(size)).to(torch.uint8)
    canvases = torch.stack((ramp.expand(3, size, size), ramp[:, None].expand(3, size, size))).repeat(16, 1, 1, 1)
    crops = _draw_and_degrade(canvases, settings, crop_size=32, planes=1)
    assert crops.scale.unique().tolist() == pytest.approx(sorted({1.0, scale}))
    # The crop starts where the 48 pixels of the enlarged canvas start.
    from_middle = torch.arange(32) - 23.5
    for index in range(32):
        for planes, tolerance in ((crops.original, 0.9), (crops.degraded, 2.0)):
            line = planes[index, 0].float().mean(index % 2)
            place = (size - 1) / 2 + from_middle / crops.scale[index]
            assert ((line - (250 - slope * place)).abs() <= tolerance).all()


def test_resizing_is_bicubic_and_keeps_edges_sharp() -> None:
    settings = DegradationSettings(
        studio_swing_share=0.0, earlier_share=1.0, resize_share=1.0, min_scale=1.5, max_scale=1.5
    )
    step = torch.full((4, 3, 48, 48), 50, dtype=torch.uint8)
    step[..., 20:] = 200
    original = _draw_and_degrade(step, settings, crop_size=32, planes=1).original
    # Only a cubic overshoots on both sides of an edge.
    assert original.max() > 205
    assert original.min() < 45


def test_color_crops_have_the_full_swing() -> None:
    white = torch.full((8, 3, 8, 8), 255, dtype=torch.uint8)
    settings = DegradationSettings(studio_swing_share=1.0)
    crops = _draw_and_degrade(white, settings, crop_size=8, planes=3)
    assert (crops.original[:, 0] == 255).all()


def test_subsamplings_come_in_their_shares() -> None:
    canvases = torch.zeros(2000, 3, 1, 1, dtype=torch.uint8)
    settings = DegradationSettings(share_420=0.2, share_422=0.5)
    names = _draw_and_degrade(canvases, settings, crop_size=1, planes=3).subsampling
    shares = {name: names.count(name) / 2000 for name in set(names)}
    assert shares == pytest.approx({"4:2:0": 0.2, "4:2:2": 0.5, "4:4:4": 0.3}, abs=0.03)


@pytest.mark.parametrize("planes", [1, 3])
def test_clean_crops_are_untouched_and_say_nothing(planes: int) -> None:
    pairs = _degrade(DegradationSettings(clean_share=0.5, earlier_share=0.5, max_quality=20), planes=planes)
    clean = pairs.quality == 0
    assert 16 < clean.sum() < 48
    assert torch.equal(pairs.degraded[clean], pairs.original[clean])
    assert (pairs.degraded != pairs.original)[~clean].flatten(1).any(1).all()
    assert not pairs.quantization[clean].any()
    assert not pairs.earlier_quality[clean].any()
    assert pairs.earlier_quality[~clean].any()


def test_tables_are_told_where_the_grid_starts_at_the_corner_only() -> None:
    pairs = _degrade(DegradationSettings(offset_share=0.5))
    moved = pairs.offset.any(dim=1)
    conditioned = (pairs.quantization > 0).flatten(1).all(dim=1)
    assert 16 < moved.sum() < 48
    assert torch.equal(conditioned, ~moved)


def test_untold_tables_are_zero_but_were_used() -> None:
    pairs = _degrade(DegradationSettings(unknown_table_share=0.5))
    untold = (pairs.quantization == 0).all(3).all(2)[:, 0]
    assert 16 < untold.sum() < 48
    expected = compress_plane(pairs.original[:, 0], quantization_tables(pairs.quality)[:, 0])
    assert torch.equal(pairs.degraded[:, 0], expected)


def test_custom_tables_belong_to_no_quality_and_are_the_ones_told() -> None:
    pairs = _degrade(DegradationSettings(custom_table_share=0.5), planes=3)
    tables = pairs.quantization[:, :2]
    custom = (tables != quantization_tables(pairs.quality)).flatten(1).any(1)
    assert 16 < custom.sum() < 48
    assert not (tables[custom][:, None] == quantization_tables(torch.arange(1, 101))).flatten(2).all(2).any()
    assert tables.min() >= 1
    assert tables.max() <= 255
    assert torch.equal(pairs.degraded, compress_ycbcr(pairs.original, tables, pairs.subsampling))


def test_custom_tables_tilt_towards_high_or_low_frequencies_and_every_entry_strays_from_that() -> None:
    settings = DegradationSettings(custom_table_share=1.0, min_quality=15, max_quality=30)
    pairs = _degrade(settings, planes=3, seed=1)
    ratio = (pairs.quantization[:, :2].double() / quantization_tables(pairs.quality)).log().flatten(1)
    frequency = (torch.arange(8.0)[:, None] + torch.arange(8.0)).expand(2, 8, 8).flatten().double() - 7.0
    slope = ratio @ frequency / frequency.square().sum()
    # 0.01 makes the steps of the highest frequency 15 % longer, or shorter, than those of the lowest.
    assert (slope > 0.01).sum() > 16
    assert (slope < -0.01).sum() > 16
    stray = ratio - ratio.mean(1, keepdim=True) - slope[:, None] * frequency
    assert ((stray.std(1) > 0.1) & (stray.std(1) < 0.3)).all()
    # Luma and chroma are tilted alike, but stray each on its own.
    luma, chroma = stray.view(-1, 2, 64).unbind(1)
    assert torch.corrcoef(torch.stack((luma.flatten(), chroma.flatten())))[0, 1].abs() < 0.1


@pytest.mark.parametrize("planes", [1, 3])
def test_one_seed_gives_one_result(planes: int) -> None:
    first, again, other = (_degrade(EVERYTHING, planes=planes, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.degraded, again.degraded)
    assert torch.equal(first.original, again.original)
    assert not torch.equal(first.quality, other.quality)
    assert first.degraded.shape == first.original.shape == (64, planes, 32, 32)


def test_qualities_stay_in_range_and_reach_its_ends() -> None:
    canvases = torch.zeros(4000, 3, 1, 1, dtype=torch.uint8)

    def qualities(**fields: float) -> Tensor:
        return _draw_and_degrade(canvases, DegradationSettings(**fields), crop_size=1, planes=1).quality

    counts = torch.bincount(qualities(min_quality=10, max_quality=13), minlength=14)[10:]
    assert counts.sum() == 4000
    assert counts.min() > 850
    assert qualities(min_quality=10, max_quality=90, quality_skew=3.0).float().mean() < 35


def test_the_share_of_studio_swing() -> None:
    white = torch.full((200, 3, 8, 8), 255, dtype=torch.uint8)
    for share, expected in ((0.0, {255}), (1.0, {235}), (0.5, {235, 255})):
        settings = DegradationSettings(studio_swing_share=share)
        pairs = _draw_and_degrade(white, settings, crop_size=8, planes=1)
        assert set(pairs.original.unique().tolist()) == expected


def test_a_second_compression_equals_cropping_and_compressing_again() -> None:
    pictures = _canvases(48, 4)
    first = compress(pictures, 30)
    again = compress(first[:, :, 5:, 3:], 60)
    for index in range(4):
        one = compress(compress(pictures[index : index + 1], 30)[:, :, 5:, 3:], 60)
        assert torch.equal(again[index : index + 1], one)


@pytest.mark.parametrize(
    "fields",
    [
        {"min_quality": 0},
        {"min_quality": 50},
        {"quality_skew": 0},
        {"studio_swing_share": 1.5},
        {"clean_share": -0.1},
        {"share_420": 0.7, "share_422": 0.4},
        {"min_scale": 0},
        {"min_scale": 2.0},
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"found|must|exceed"):
        DegradationSettings(**fields)


def test_wrong_canvases_are_refused_in_words() -> None:
    canvases = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(ValueError, match="need canvases of 48"):
        _draw_and_degrade(canvases, DegradationSettings(offset_share=1), crop_size=32, planes=1)
    with pytest.raises(ValueError, match="num_channels"):
        _draw_and_degrade(canvases, DegradationSettings(), crop_size=32, planes=2)
