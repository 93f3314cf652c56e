"""Writes, finds and loads training checkpoints: the folders `checkpoint-STEP` from which a run resumes.

Not to be confused with a checkpoint that `from_pretrained` loads. A training checkpoint is written under another name
and renamed when it is complete, so that a killed run leaves no incomplete one.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

# Changes when training checkpoints of earlier versions no longer fit.
_FORMAT = 2

_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoints(folder: Path) -> list[Path]:
    """Complete training checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete training checkpoint of a run, `None` if there is none."""
    return next(reversed(checkpoints(folder)), None)


def find_checkpoint(name: str, output_dir: Path) -> Path:
    """The training checkpoint that `--resume_from_checkpoint` names: a path, or "latest" of `output_dir`.

    Raises:
        FileNotFoundError: if there is no such training checkpoint.
    """
    folder = latest_checkpoint(output_dir) if name == "latest" else Path(name)
    if folder is None or not (folder / _own_state(0)).is_file():
        found = ", ".join(path.name for path in checkpoints(output_dir)) or "none"
        raise FileNotFoundError(
            f"nothing to resume: {name!r} is no complete training checkpoint; {output_dir} holds {found}. Omit "
            "--resume_from_checkpoint to start a new run"
        )
    return folder


def check_unused(output_dir: Path) -> None:
    """Refuse a folder with training checkpoints for a new run: they would be mixed up with its own.

    Raises:
        ValueError: if there are any.
    """
    if found := ", ".join(path.name for path in checkpoints(output_dir)):
        raise ValueError(
            f"{output_dir} holds training checkpoints of an earlier run ({found}): go on with it "
            "(--resume_from_checkpoint latest), choose another --output_dir, or delete them"
        )


def save_checkpoint(accelerator: Accelerator, folder: Path, own_state: dict[str, Any], *, total_limit: int) -> None:
    """Write a training checkpoint beside its final path, rename it, and delete the oldest ones beyond the limit.

    Args:
        accelerator: holds the networks, the optimizers and what was registered for checkpointing.
        folder: the final path, `checkpoint-STEP`.
        own_state: what differs between processes; each process writes its own.
        total_limit: how many training checkpoints are kept.
    """
    partial = folder.with_name(folder.name + ".partial")
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    torch.save({**own_state, "format": _FORMAT}, partial / _own_state(accelerator.process_index))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
        for old in checkpoints(folder.parent)[:-total_limit]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def load_checkpoint(accelerator: Accelerator, folder: Path, load_own_state: Callable[[dict[str, Any]], None]) -> None:
    """Restore the state that [`save_checkpoint`] wrote.

    Args:
        accelerator: holds what the training checkpoint restores.
        folder: the training checkpoint.
        load_own_state: takes the state of this process.

    Raises:
        ValueError: if the training checkpoint was written by another number of processes, or by an earlier version.
    """
    own = folder / _own_state(accelerator.process_index)
    written = len(list(folder.glob(_own_state("*"))))
    if written != accelerator.num_processes:
        found = accelerator.num_processes
        raise ValueError(f"{folder} was written by {written} process(es): resume with as many, not {found}")
    state = torch.load(own, weights_only=True)
    if state.pop("format", None) != _FORMAT:
        raise ValueError(
            f"{folder} was written by another version of this package and cannot be resumed: start a new run, from the "
            "weights that were exported if you like (--model_name_or_path)"
        )
    accelerator.load_state(str(folder))
    load_own_state(state)


def _own_state(rank: int | str) -> str:
    return f"process_{rank}.pt"
