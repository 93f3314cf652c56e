"""The pixel loss at every position of a run, and what a teacher changes."""

from typing import Any

import pytest
import torch
from torch import Tensor

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.batch import Batch
from argan_hf.training.losses import balance_weights, border_loss, charbonnier_loss, l2_loss
from argan_hf.training.objective import PixelObjective
from argan_hf.training.teacher import Teacher

CPU = torch.device("cpu")


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    degraded, original = torch.rand(2, 4, 3, 32, 32)
    tables = torch.randint(1, 99, (4, 3, 8, 8))
    return Batch(degraded, original, tables, torch.randint(0, 16, (4, 2)))


@pytest.fixture
def restored() -> Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def _checkpoint(folder: Any, **fields: Any) -> str:
    config = {"num_channels": 3, "block_type": "residual", "hidden_sizes": [8], "depths": [1], **fields}
    torch.manual_seed(2)
    network = ArganForImageRestoration(ArganConfig(**config))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    network.save_pretrained(folder)
    return str(folder)


def test_charbonnier_then_squared_errors(batch: Batch, restored: Tensor) -> None:
    objective = PixelObjective(ArganTrainingArguments())
    assert torch.equal(objective(restored, batch, charbonnier=True), charbonnier_loss(restored, batch.original))
    assert torch.equal(objective(restored, batch, charbonnier=False), l2_loss(restored, batch.original))


def test_balance_and_borders_join_the_squared_error(batch: Batch, restored: Tensor) -> None:
    objective = PixelObjective(ArganTrainingArguments(l2_balance=0.5, lambda_borders=0.3))
    weights = balance_weights(batch.degraded, batch.original, 0.5)
    squared = l2_loss(restored, batch.original, weights)
    borders = border_loss(restored, batch.original, batch.offset, weights)
    found = objective(restored, batch, charbonnier=False)
    assert torch.allclose(found, squared + 0.3 * borders)
    assert borders > 0
    assert torch.equal(objective(restored, batch, charbonnier=True), charbonnier_loss(restored, batch.original))


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_share_of_the_loss_compares_with_the_teacher(
    batch: Batch, restored: Tensor, tmp_path: Any, weight: float
) -> None:
    teacher = Teacher(_checkpoint(tmp_path), 3, CPU)
    taught = teacher(batch)
    assert not torch.allclose(taught, batch.original, atol=0.1)
    objective = PixelObjective(ArganTrainingArguments(teacher_weight=weight), teacher)
    for charbonnier, loss in ((True, charbonnier_loss), (False, l2_loss)):
        expected = (1 - weight) * loss(restored, batch.original) + weight * loss(restored, taught)
        assert torch.allclose(objective(restored, batch, charbonnier=charbonnier), expected)


def test_a_teacher_sees_the_tables_and_is_not_trained(batch: Batch, tmp_path: Any) -> None:
    teacher = Teacher(_checkpoint(tmp_path, condition_on_quantization=True), 3, CPU)
    with torch.enable_grad():
        told = teacher(batch)
    blind = teacher(Batch(batch.degraded, batch.original, torch.zeros_like(batch.quantization), batch.offset))
    assert told.dtype == torch.float32
    assert not told.requires_grad
    assert not torch.allclose(told, blind, atol=1e-4)
    assert torch.equal(told, teacher(batch))


def test_a_color_network_teaches_luma_and_a_luma_network_no_color(batch: Batch, tmp_path: Any) -> None:
    luma = Batch(batch.degraded[:, :1], batch.original[:, :1], batch.quantization[:, :1], batch.offset)
    assert Teacher(_checkpoint(tmp_path / "color"), 1, CPU)(luma).shape == (4, 1, 32, 32)
    with pytest.raises(ValueError, match=r"luma' restores 1 plane\(s\), the network in training restores 3"):
        Teacher(_checkpoint(tmp_path / "luma", num_channels=1), 3, CPU)
