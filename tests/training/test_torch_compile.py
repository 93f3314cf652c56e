"""`--torch_compile`: the results of eager code, and one compilation of everything."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch._dynamo.utils import counters

from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler"),
]

NETWORK = {
    "num_channels": 3,
    "block_type": "residual",
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "patch_size": 2,
    "condition_on_quantization": True,
}
# A position in each phase of the run: Charbonnier, squared errors, with a discriminator.
PHASES = (0, 4, 8)


def _trainer(pattern: str, folder: Path, **changes: Any) -> ArganTrainer:
    fields = {
        "dataset_name": "parquet",
        "data_files": [pattern],
        "reservoir_mib": 1,
        "slot_size": 256,
        "output_dir": str(folder),
        "model": json.dumps(NETWORK),
        "discriminator": json.dumps({"hidden_sizes": [4, 8]}),
        "crop_size": 64,
        "train_batch_size": 3,
        "max_train_steps": 12,
        "l2_start_step": 4,
        "adversarial_start_step": 8,
        "optimizer": "muon",
        "learning_rate": 1e-3,
        "l2_balance": 0.5,
        "lambda_borders": 0.3,
        "max_grad_norm": 1.0,
        "gray_share": 0.2,
        "offset_share": 0.3,
        "earlier_share": 0.4,
        "resize_share": 0.5,
        "custom_table_share": 0.3,
        "unknown_table_share": 0.3,
        "clean_share": 0.1,
        "checkpointing_steps": 6,
        "validation_pictures": 0,
        "teacher": "argan-jpeg-color",
        "torch_compile": True,
    }
    return ArganTrainer(ArganTrainingArguments(**{**fields, **changes}))


def _assert_moved_alike(eager: ArganTrainer, compiled: ArganTrainer) -> None:
    """Weights after a step from the same weights; then those of the compiled run are made the same again."""
    for ours, theirs in zip(eager.update.networks, compiled.update.networks, strict=True):
        for one, other in zip(ours.network.parameters(), theirs.network.parameters(), strict=True):
            # Muon computes in 16 bits, and Adam turns the noise of a gradient near 0 into a step.
            assert float((one - other).detach().abs().mean()) < 0.1 * ours.learning_rate + 1e-7
            with torch.no_grad():
                other.copy_(one)


@pytest.mark.extra
def test_compiled_runs_equal_eager_ones_and_compile_once(picture_parquet: str, tmp_path: Path) -> None:
    torch._dynamo.reset()
    eager = _trainer(picture_parquet, tmp_path / "eager", torch_compile=False)
    compiled = _trainer(picture_parquet, tmp_path / "compiled")
    graphs = counters["stats"]["unique_graphs"]
    breaks = sum(counters["graph_break"].values())
    for phase, position in enumerate(PHASES):
        for repetition in range(4):
            expected_batch, batch = eager.draw_batch(), compiled.draw_batch()
            # Degradation is integer arithmetic; only the interpolation of resized crops may round differently, by one
            # gray level. The compression that follows can turn this into a step of its table.
            assert float((expected_batch.original - batch.original).abs().max()) < 1.01 / 255
            for one, other in zip(expected_batch.tensors[:2], batch.tensors[:2], strict=True):
                assert float((one != other).float().mean()) < 0.01
            for one, other in zip(expected_batch.tensors[2:], batch.tensors[2:], strict=True):
                assert torch.equal(one, other)
            for one, other in zip(batch.tensors, expected_batch.tensors, strict=True):
                one.copy_(other)
            expected = eager.update([expected_batch], position, logged=True)
            found = compiled.update([batch], position, logged=True)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert float(found[name]) == pytest.approx(float(value), rel=1e-2, abs=1e-6), name
            _assert_moved_alike(eager, compiled)
            if repetition == 0:
                assert counters["stats"]["unique_graphs"] > graphs, f"phase {phase} compiles what it needs"
            else:
                assert counters["stats"]["unique_graphs"] == graphs, f"phase {phase} compiles nothing twice"
            graphs = counters["stats"]["unique_graphs"]
    assert sum(counters["graph_break"].values()) == breaks
    for trainer in (eager, compiled):
        trainer.close()


def test_a_compiled_run_resumes_exactly(picture_parquet: str, tmp_path: Path) -> None:
    whole = _trainer(picture_parquet, tmp_path / "whole").train()
    resumed = _trainer(
        picture_parquet, tmp_path / "resumed", resume_from_checkpoint=str(whole / "checkpoint-6")
    ).train()
    expected, found = (load_file(folder / "model.safetensors") for folder in (whole, resumed))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
