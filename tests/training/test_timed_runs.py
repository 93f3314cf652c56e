"""Runs that end by the clock: `--max_train_minutes`."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from argan_hf import ArganForImageRestoration
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.checkpointing import checkpoints
from argan_hf.training.stopping import RunStoppedError
from argan_hf.training.trainer import ArganTrainer

pytestmark = pytest.mark.slow

SECONDS = 24.0


def _arguments(folder: Path, **changes: Any) -> ArganTrainingArguments:
    fields: dict[str, Any] = {
        "dataset_name": "generated",
        "slot_size": 320,
        "reservoir_mib": 4,
        "output_dir": str(folder),
        "model": json.dumps({"hidden_sizes": [4, 8]}),
        "discriminator": json.dumps({"hidden_sizes": [4, 8]}),
        "train_batch_size": 2,
        "max_train_minutes": SECONDS / 60,
        "max_train_steps": 1000,
        "l2_start_step": 100,
        "adversarial_start_step": 500,
        "lr_scheduler": "cosine",
        "validation_steps": 400,
        "validation_pictures": 1,
        "checkpointing_steps": 300,
        "checkpoints_total_limit": 5,
        "logging_steps": 5,
    }
    return ArganTrainingArguments(**{**fields, **changes})


@pytest.mark.extra
def test_a_run_ends_on_time_with_its_weights_and_resumes_with_what_is_left(tmp_path: Path) -> None:
    began = time.monotonic()
    trainer = ArganTrainer(_arguments(tmp_path / "run"))
    peak, reached = trainer.update.networks[0].learning_rate, []
    advance = trainer.progress.advance

    def watched() -> range:
        reached.append(trainer.update.networks[0].learning_rate)
        return advance()

    trainer.progress.advance = watched  # type: ignore[method-assign]
    # As if validation and export took six seconds more.
    export = trainer._export
    trainer._export = lambda folder: (time.sleep(6), export(folder))[1]  # type: ignore[method-assign]
    folder = trainer.train()
    assert SECONDS - 6 < time.monotonic() - began < SECONDS + 4
    # The schedule follows the time: half of the learning rate is left when half of the time is, nothing at the end.
    assert max(reached) == pytest.approx(peak, rel=0.02)
    assert reached[-1] < 1e-3 * peak
    assert ArganForImageRestoration.from_pretrained(folder).config.model_type == "argan"
    assert (folder / "results.json").is_file()
    assert json.loads((folder / "training_args.json").read_text())["global_step"] == trainer.progress.step
    # Validation at 40, 80 and 100 % of the time, training checkpoints at 30, 60 and 90 %.
    assert len((folder / "validation.jsonl").read_text().splitlines()) == 3
    assert len(checkpoints(folder)) == 3

    state = torch.load(checkpoints(folder)[1] / "process_0.pt", weights_only=True)["progress"]
    assert state["position"] >= 600
    began = time.monotonic()
    resumed = ArganTrainer(_arguments(tmp_path / "resumed", resume_from_checkpoint=str(checkpoints(folder)[1])))
    assert resumed.progress.step == state["step"]
    resumed.train()
    left = SECONDS - state["elapsed"]
    assert left - 4 < time.monotonic() - began < left + 4

    # Not even validation and export fit into what is left: no step, but the weights are there.
    last = {"resume_from_checkpoint": str(checkpoints(folder)[2]), "max_train_minutes": state["elapsed"] / 60}
    late = ArganTrainer(_arguments(tmp_path / "late", **last))
    before = late.progress.step
    assert (late.train() / "model.safetensors").is_file()
    assert late.progress.step == before


def test_too_few_minutes_are_refused_before_any_step(tmp_path: Path) -> None:
    trainer = ArganTrainer(_arguments(tmp_path, max_train_minutes=0.005))
    with pytest.raises(
        RunStoppedError, match=r"max_train_minutes 0.005 leaves no time to train: .* validation and export"
    ):
        trainer.train()
    assert trainer.progress.step == 0
    trainer.close()
