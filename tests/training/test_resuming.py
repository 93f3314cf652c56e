"""A run that was interrupted and resumed equals one that was not."""

import json
from pathlib import Path

import pytest
import torch

from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer
from argan_hf.training.validation import Validation
from tests.training.conftest import exported_weights

pytestmark = pytest.mark.slow

JUDGE_OF_TEXTURES = {"hidden_sizes": [4, 8], "normalization": "none", "wavelet_levels": 1, "conditional": True}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "muon", "discriminator": json.dumps({"hidden_sizes": [4, 8]})},
        {
            "discriminator": json.dumps(JUDGE_OF_TEXTURES),
            "l2_balance": 1.0,
            "lambda_texture": 2.0,
            "discriminator_learning_rate": 1e-3,
            "export_best": False,
        },
        {"graphics_share": 0.4, "caption_share": 0.5, "reservoir_mib": 2, "adversarial_start_step": 6},
    ],
    ids=["paper", "muon", "textures", "graphics"],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    arguments: dict[str, object], tmp_path: Path, change: dict[str, object]
) -> None:
    arguments |= change
    whole = exported_weights(ArganTrainer(ArganTrainingArguments(**arguments)).train())
    folder = Path(str(arguments["output_dir"]))
    resumed = {**arguments, "resume_from_checkpoint": str(folder / "checkpoint-3"), "output_dir": str(tmp_path / "b")}
    part = exported_weights(ArganTrainer(ArganTrainingArguments(**resumed)).train())
    assert all(torch.equal(whole[name], part[name]) for name in whole)


def test_resuming_is_exact_while_the_stream_refreshes_a_small_reservoir(
    arguments: dict[str, object], tmp_path: Path
) -> None:
    run = {**arguments, "reservoir_mib": 1, "refresh_interval": 1, "max_train_steps": 9}
    trainer = ArganTrainer(ArganTrainingArguments(**run))
    whole = exported_weights(trainer.train())
    assert trainer.pictures.reservoir.inserted == trainer.pictures.reservoir.capacity + 9
    folder = Path(str(arguments["output_dir"]))
    resumed = {**run, "resume_from_checkpoint": str(folder / "checkpoint-6"), "output_dir": str(tmp_path / "b")}
    part = exported_weights(ArganTrainer(ArganTrainingArguments(**resumed)).train())
    assert all(torch.equal(whole[name], part[name]) for name in whole)


def test_a_resumed_run_that_keeps_the_last_weights_forgets_the_best(
    arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = iter([3.0, 1.0])
    last: dict[str, torch.Tensor] = {}

    def scripted(restore: object, pictures: object, num_channels: int) -> Validation:
        last.update({name: tensor.clone() for name, tensor in trainer.averaged.model.state_dict().items()})
        return Validation({"gain_q10": next(gains)}, torch.zeros(1, 8, 8, dtype=torch.uint8))

    monkeypatch.setattr("argan_hf.training.trainer.validate", scripted)
    run = {**arguments, "adversarial_start_step": 6}
    trainer = ArganTrainer(ArganTrainingArguments(**run))
    best = exported_weights(trainer.train())
    resumed = {**run, "resume_from_checkpoint": "latest", "export_best": False}
    exported = exported_weights(ArganTrainer(ArganTrainingArguments(**resumed)).train())
    assert all(torch.equal(tensor, last[name]) for name, tensor in exported.items())
    assert not all(torch.equal(tensor, last[name]) for name, tensor in best.items())
