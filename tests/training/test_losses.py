import pytest
import torch
from torch import Tensor

from argan_hf.training.losses import (
    balance_weights,
    border_loss,
    charbonnier_loss,
    discriminator_loss,
    generator_loss,
    l2_loss,
    minimax_value,
    texture_loss,
)

REAL, FAKE = torch.tensor([2.0, -0.5]), torch.tensor([-1.0, 0.3])


def balanced_l2_loss(restored: Tensor, original: Tensor, degraded: Tensor, balance: float) -> Tensor:
    return l2_loss(restored, original, balance_weights(degraded, original, balance))


RESTORED, ORIGINAL = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), 0.4)


def test_the_game_is_eq_1() -> None:
    expected = REAL.sigmoid().log().mean() + (1 - FAKE.sigmoid()).log().mean()
    assert torch.allclose(minimax_value(REAL, FAKE), expected)


def test_l2_is_eq_2() -> None:
    assert float(l2_loss(RESTORED, ORIGINAL)) == pytest.approx(0.01, rel=1e-5)


def test_balance_runs_from_eq_2_to_relative_errors() -> None:
    original = torch.full((2, 1, 4, 4), 0.4)
    degraded = original + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    restored = original + torch.tensor([0.05, 0.005]).view(2, 1, 1, 1)
    assert torch.allclose(balanced_l2_loss(restored, original, degraded, 0.0), l2_loss(restored, original))
    # Both crops are restored by half; with full balance they count the same, up to the half gray level.
    single = [balanced_l2_loss(restored[i : i + 1], original[i : i + 1], degraded[i : i + 1], 1.0) for i in range(2)]
    assert float(single[0]) == pytest.approx(0.25, rel=0.01)
    assert float(single[1]) == pytest.approx(0.25, rel=0.05)
    assert balanced_l2_loss(original, original, original, 1.0) == 0.0
    assert balanced_l2_loss(restored, original, original, 1.0).isfinite()
    together = balanced_l2_loss(restored, original, degraded, 1.0)
    assert float(together) == pytest.approx(float(sum(single) / 2))


def test_an_error_where_there_was_none_counts_as_if_there_had_been_half_a_gray_level() -> None:
    original = torch.full((1, 1, 4, 4), 0.5)
    assert float(balanced_l2_loss(original + 0.5 / 255, original, original, 1.0)) == pytest.approx(1.0, rel=1e-3)


def _stepped(rows: int, columns: int, height: float = 0.1) -> Tensor:
    """Crops of 32x32 with a step of some height across the borders of a grid that starts before the crop."""
    tiles = torch.arange(32)
    checks = ((tiles + rows) // 8 % 2)[:, None] + ((tiles + columns) // 8 % 2)
    return 0.5 + height * checks.expand(1, 2, 32, 32)


@pytest.mark.parametrize("offset", [(0, 0), (3, 0), (0, 5), (15, 9)])
def test_steps_across_the_borders_of_the_grid_count_as_they_are(offset: tuple[int, int]) -> None:
    flat, grid = torch.full((1, 2, 32, 32), 0.5), torch.tensor([offset])
    assert float(border_loss(_stepped(*offset), flat, grid)) == pytest.approx(0.01, rel=1e-4)
    elsewhere = _stepped(offset[0] + 4, offset[1] + 4)
    assert float(border_loss(elsewhere, flat, grid)) == pytest.approx(0.0, abs=1e-9)
    assert float(border_loss(_stepped(*offset), _stepped(*offset), grid)) == 0.0


def test_borders_of_rows_and_of_columns_count_alike_and_every_crop_has_its_own_grid() -> None:
    rows = 0.5 + 0.1 * ((torch.arange(32) + 3) // 8 % 2)[:, None].expand(1, 1, 32, 32)
    flat = torch.full_like(rows, 0.5)
    for restored, offset in ((rows, [3, 1]), (rows.mT, [1, 3])):
        assert float(border_loss(restored, flat, torch.tensor([offset]))) == pytest.approx(0.005, rel=1e-4)
    both, grids = torch.cat((rows, rows)), torch.tensor([[3, 0], [4, 0]])
    assert float(border_loss(both, torch.cat((flat, flat)), grids)) == pytest.approx(0.0025, rel=1e-4)
    weighted = border_loss(both, torch.cat((flat, flat)), grids, torch.tensor([4.0, 1.0]))
    assert float(weighted) == pytest.approx(0.01, rel=1e-4)


def test_charbonnier_is_l1_far_from_zero_and_smooth_at_it() -> None:
    assert float(charbonnier_loss(RESTORED, ORIGINAL)) == pytest.approx(0.1, rel=1e-3)
    same = RESTORED.clone().requires_grad_()
    charbonnier_loss(same, RESTORED).backward()
    assert same.grad is not None
    assert not same.grad.any()


def test_texture_counts_by_its_strength_not_by_its_place() -> None:
    torch.manual_seed(0)
    noise = 0.1 * torch.randn(2, 1, 64, 64)
    planes, moved = 0.5 + noise, 0.5 + noise.flip(3)
    assert texture_loss(planes, planes) < 1e-3
    assert texture_loss(moved, planes) < 1e-3
    # Without texture nearly all is missing (weak texture counts less); with half of it, a quarter: squares.
    assert float(texture_loss(torch.full_like(planes, 0.5), planes)) == pytest.approx(0.92, abs=0.03)
    assert float(texture_loss(0.5 + noise / 2, planes)) == pytest.approx(0.23, abs=0.03)
    flat = torch.full_like(planes, 0.5).requires_grad_()
    texture_loss(flat, planes).backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
    color = torch.cat((planes, torch.rand(2, 2, 64, 64)), dim=1)
    assert texture_loss(color, torch.cat((planes, torch.rand(2, 2, 64, 64)), dim=1)) < 1e-3


def test_only_luma_counts_for_texture() -> None:
    planes, color = 0.5 + 0.1 * torch.randn(2, 1, 64, 64), 0.5 + 0.1 * torch.randn(2, 2, 64, 64)
    restored = planes.flip(2) * 0.9
    flat = torch.full_like(color, 0.5)
    with_color = texture_loss(torch.cat((restored, flat), 1), torch.cat((planes, color), 1))
    assert torch.allclose(with_color, texture_loss(restored, planes))


@pytest.mark.parametrize(("period", "counts"), [(6, False), (5, False), (3, True), (2, True)])
def test_texture_is_what_is_finer_than_a_quarter_cycle(period: int, counts: bool) -> None:
    stripes = 0.5 + 0.1 * torch.cos(2 * torch.pi * torch.arange(64) / period).expand(1, 1, 64, 64)
    for planes in (stripes, stripes.mT):
        assert (float(texture_loss(torch.full_like(planes, 0.5), planes)) > 0.5) is counts


@pytest.mark.parametrize(("levels", "wanted"), [(2.0, False), (4.0, True)])
def test_what_is_stronger_than_two_gray_levels_is_no_grain(levels: float, wanted: bool) -> None:
    # Four fifths of the energy of white noise are fine.
    noise = 0.5 + levels / 255 * torch.randn(1, 1, 64, 64)
    assert (float(texture_loss(torch.full_like(noise, 0.5), noise)) > 0.05) is wanted


def test_texture_of_six_gray_levels_beyond_grain_counts_half() -> None:
    strength = (2**2 + 6**2) ** 0.5 / 255
    stripes = 0.5 + strength * 2**0.5 * torch.cos(2 * torch.pi * torch.arange(96) / 3).expand(1, 1, 96, 96)
    expected = ((6**2 + 0.5**2) ** 0.5 - 0.5) ** 2 / (6**2 + 6**2)
    assert float(texture_loss(torch.full_like(stripes, 0.5), stripes)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("share", [0.5, 1.5])
def test_along_true_texture_the_gradient_is_that_of_the_formula(share: float) -> None:
    original = 0.1 * torch.randn(1, 1, 64, 64)
    restored = (0.5 + share * original).requires_grad_()
    texture_loss(restored, 0.5 + original).backward()
    assert restored.grad is not None
    more, less = (texture_loss(0.5 + (share + step) * original, 0.5 + original) for step in (0.01, -0.01))
    assert float((restored.grad * original).sum()) == pytest.approx(float(more - less) / 0.02, rel=0.1)


def test_texture_grows_along_the_original_and_not_along_a_made_up_pattern() -> None:
    torch.manual_seed(0)
    original, pattern = (0.1 * torch.randn(1, 1, 64, 64) for _ in range(2))
    restored = (0.5 + 0.3 * original + 0.3 * pattern).requires_grad_()
    texture_loss(restored, 0.5 + original).backward()
    assert restored.grad is not None
    step = -restored.grad
    assert (step * original).sum() > 0
    # The formula's own gradient would share its push equally between what is true and what is made up.
    assert (step * pattern).sum().abs() < 0.1 * (step * original).sum()


def test_too_much_texture_shrinks_along_the_original() -> None:
    torch.manual_seed(0)
    original = 0.1 * torch.randn(1, 1, 64, 64)
    restored = (0.5 + 2 * original).requires_grad_()
    texture_loss(restored, 0.5 + original).backward()
    assert restored.grad is not None
    assert (-restored.grad * original).sum() < 0


def test_nobody_asks_for_grain() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)
    grain = flat + torch.randn(1, 1, 64, 64) / 255
    assert texture_loss(flat, grain) == 0
    assert texture_loss(grain, grain) > 0


def test_the_generator_minimizes_eq_3() -> None:
    expected = (1 - FAKE.sigmoid()).log().mean() + 50 * 0.01
    assert torch.allclose(generator_loss(FAKE, l2_loss(RESTORED, ORIGINAL), 50.0), expected, atol=1e-5)


def test_the_non_saturating_form() -> None:
    expected = -FAKE.sigmoid().log().mean() + 50 * 0.01
    loss = generator_loss(FAKE, l2_loss(RESTORED, ORIGINAL), 50.0, saturating=False)
    assert torch.allclose(loss, expected, atol=1e-5)


def test_the_discriminator_minimizes_eq_4() -> None:
    expected = -REAL.sigmoid().log().mean() - (1 - FAKE.sigmoid()).log().mean()
    assert torch.allclose(discriminator_loss(REAL, FAKE), expected)


def test_a_discriminator_that_is_sure_gives_finite_losses() -> None:
    sure = torch.tensor([200.0])
    for loss in (discriminator_loss(-sure, sure), generator_loss(sure, torch.tensor(0.01), 1.0)):
        assert loss.isfinite()


@pytest.mark.parametrize("saturating", [True, False])
def test_both_forms_push_towards_real(saturating: bool) -> None:
    logits = torch.zeros(2, requires_grad=True)
    generator_loss(logits, torch.tensor(0.01), 1.0, saturating=saturating).backward()
    assert (logits.grad < 0).all()
