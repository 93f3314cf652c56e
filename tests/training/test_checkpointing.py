from pathlib import Path
from pickle import UnpicklingError

import pytest
import torch
from accelerate import Accelerator

from argan_hf.training.checkpointing import (
    checkpoints,
    find_checkpoint,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)


@pytest.fixture
def accelerator() -> Accelerator:
    accelerator = Accelerator()
    accelerator.prepare(torch.nn.Linear(2, 2))
    return accelerator


def _names(folder: Path) -> list[str]:
    return [path.name for path in checkpoints(folder)]


def test_the_oldest_go_and_order_is_by_number(accelerator: Accelerator, tmp_path: Path) -> None:
    for step in (5, 20, 100):
        save_checkpoint(accelerator, tmp_path / f"checkpoint-{step}", {"step": step}, total_limit=2)
    assert _names(tmp_path) == ["checkpoint-20", "checkpoint-100"]
    assert latest_checkpoint(tmp_path) == find_checkpoint("latest", tmp_path) == tmp_path / "checkpoint-100"


def test_what_was_saved_comes_back(accelerator: Accelerator, tmp_path: Path) -> None:
    network = accelerator._models[0]
    before = network.weight.clone()
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    torch.nn.init.zeros_(network.weight)
    states: list[dict[str, int]] = []
    load_checkpoint(accelerator, tmp_path / "checkpoint-1", states.append)
    assert torch.equal(network.weight, before)
    assert states == [{"step": 1}]


def test_a_failed_write_leaves_the_last_checkpoint_and_the_next_one_succeeds(
    accelerator: Accelerator, tmp_path: Path
) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    with pytest.raises((TypeError, AttributeError, RuntimeError)):
        save_checkpoint(accelerator, tmp_path / "checkpoint-2", {"step": (x for x in "ab")}, total_limit=1)
    assert _names(tmp_path) == ["checkpoint-1"]
    save_checkpoint(accelerator, tmp_path / "checkpoint-2", {"step": 2}, total_limit=1)
    assert _names(tmp_path) == ["checkpoint-2"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_checkpoint_of_the_same_step_is_replaced_and_leftovers_of_a_broken_one_are_gone(
    accelerator: Accelerator, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint-1.partial").mkdir()
    (tmp_path / "checkpoint-1.partial" / "process_7.pt").touch()
    states: list[dict[str, int]] = []
    for value in (1, 2):
        save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"value": value}, total_limit=1)
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", states.append)
    assert states == [{"value": 1}, {"value": 2}]
    assert _names(tmp_path) == ["checkpoint-1"]


def test_a_checkpoint_that_would_run_code_is_refused(accelerator: Accelerator, tmp_path: Path) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"call": print}, total_limit=1)
    with pytest.raises(UnpicklingError):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print)


def test_what_cannot_be_resumed_is_named(accelerator: Accelerator, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds none"):
        find_checkpoint("latest", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"'.*empty' is no complete training checkpoint"):
        find_checkpoint(str(tmp_path / "empty"), tmp_path)
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    torch.save({"step": 1}, tmp_path / "checkpoint-1" / "process_0.pt")
    with pytest.raises(ValueError, match=r"checkpoint-1 was written by another version of this package"):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print)
    torch.save({}, tmp_path / "checkpoint-1" / "process_1.pt")
    with pytest.raises(ValueError, match=r"written by 2 process\(es\): resume with as many, not 1"):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print)
