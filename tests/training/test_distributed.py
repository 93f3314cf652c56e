"""Training as a user starts it: `train.py` and `torchrun` in processes of their own, killed and resumed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from argan_hf.training.checkpointing import checkpoints

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NETWORK = {"block_type": "residual", "num_channels": 3, "hidden_sizes": [4, 8], "depths": [1, 1], "patch_size": 2}


def _command(script: Path, processes: int, *arguments: str) -> list[str]:
    if processes == 1:
        return [sys.executable, str(script), *arguments]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return [*launcher, str(script), *arguments]


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """The launcher and everything it started, at once."""
    family = [*psutil.Process(process.pid).children(recursive=True), process]
    for member in family:
        member.kill()
    process.communicate()


def _run(command: list[str]) -> None:
    process = _start(command)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output.decode()


def _train_arguments(pattern: str, output_dir: Path, **changes: object) -> list[str]:
    values = {
        "dataset_name": "parquet",
        "reservoir_mib": 1,
        "slot_size": 256,
        "model": json.dumps(NETWORK),
        "crop_size": 64,
        "train_batch_size": 2,
        "max_train_steps": 40,
        "adversarial_start_step": 8,
        "lr_scheduler": "cosine",
        "lambda_l2": 100,
        "gray_share": 0.3,
        "earlier_share": 0.3,
        "validation_steps": 20,
        "validation_pictures": 1,
        "checkpointing_steps": 6,
        "logging_steps": 10,
        "output_dir": output_dir,
        **changes,
    }
    return [f"--{name}={value}" for name, value in values.items()] + ["--data_files", pattern]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    parts = {"g": folder / "model.safetensors", "d": folder / "discriminator" / "model.safetensors"}
    return {f"{part}.{name}": tensor for part, path in parts.items() for name, tensor in load_file(path).items()}


@pytest.mark.extra
def test_a_killed_run_ends_with_the_same_weights_as_an_uninterrupted_one(picture_parquet: str, tmp_path: Path) -> None:
    # A single process that is resumed: test_resuming.py, test_stopping.py.
    script, processes = ROOT / "train.py", 2
    _run(_command(script, processes, *_train_arguments(picture_parquet, tmp_path / "whole")))

    killed = tmp_path / "killed"
    process = _start(_command(script, processes, *_train_arguments(picture_parquet, killed)))
    deadline = time.monotonic() + 120
    while not checkpoints(killed) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    _kill(process)
    assert checkpoints(killed)
    assert not (killed / "model.safetensors").exists()

    arguments = _train_arguments(picture_parquet, killed, resume_from_checkpoint="latest")
    _run(_command(script, processes, *arguments))
    whole, resumed = _weights(tmp_path / "whole"), _weights(killed)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


_SHARES = """
import json, sys
import torch
from argan_hf.training.batch import Batch
from argan_hf.training.trainer import ArganTrainer
from argan_hf.training.arguments import ArganTrainingArguments

fields, target = json.loads(sys.argv[1]), sys.argv[2]
trainer = ArganTrainer(ArganTrainingArguments(**fields))
rank, processes = trainer.accelerator.process_index, trainer.accelerator.num_processes
generator = torch.Generator().manual_seed(5)
for step in range(4):
    degraded, original = torch.rand(2, 16, 3, 64, 64, generator=generator)
    mine = slice(rank * 16 // processes, (rank + 1) * 16 // processes)
    count = 16 // processes
    blind, offset = torch.zeros(count, 3, 8, 8), torch.zeros(count, 2, dtype=torch.int64)
    trainer.update([Batch(degraded[mine], original[mine], blind, offset)], step)
if rank == 0:
    torch.save([processes, trainer.accelerator.unwrap_model(trainer.update.generator).state_dict()], target)
trainer.close()
"""


@pytest.mark.extra
def test_two_processes_with_eight_crops_equal_one_with_sixteen(picture_parquet: str, tmp_path: Path) -> None:
    script = tmp_path / "shares.py"
    script.write_text(_SHARES)
    fields = {
        "dataset_name": "parquet",
        "data_files": [picture_parquet],
        "reservoir_mib": 1,
        "slot_size": 256,
        "model": json.dumps(NETWORK),
        "adversarial_start_step": 100,
        "max_train_steps": 100,
        "max_grad_norm": 1.0,
        "output_dir": str(tmp_path / "run"),
    }
    found = {}
    for processes in (1, 2):
        target = tmp_path / f"{processes}.pt"
        _run(_command(script, processes, json.dumps(fields), str(target)))
        count, found[processes] = torch.load(target)
        assert count == processes
    start = dict(found[1])
    assert all(torch.allclose(start[name], tensor, atol=1e-6) for name, tensor in found[2].items())
