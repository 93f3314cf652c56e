"""Checkpoint folders: written whole or not at all, rotated, found again."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run."""
    return next(reversed(checkpoints(folder)), None)


def find_checkpoint(name: str, output_dir: Path) -> Path:
    """The folder that `--resume_from_checkpoint` means: a path, or "latest" of `output_dir`.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
    """
    folder = latest_checkpoint(output_dir) if name == "latest" else Path(name)
    if folder is None or not (folder / _own_state(0)).is_file():
        found = ", ".join(path.name for path in checkpoints(output_dir)) or "none"
        raise FileNotFoundError(
            f"nothing to resume: {name!r} is no complete checkpoint; {output_dir} holds {found}. Leave "
            "--resume_from_checkpoint away to start anew"
        )
    return folder


def save_checkpoint(accelerator: Accelerator, folder: Path, own_state: dict[str, Any], *, total_limit: int) -> None:
    """Write a checkpoint next to its final place, move it there, delete the oldest beyond the limit.

    Args:
        accelerator: knows networks, optimizers and what was registered for checkpointing.
        folder: the final place, `checkpoint-STEP`.
        own_state: what differs between processes; each writes its own.
        total_limit: checkpoints kept.
    """
    partial = folder.with_name(folder.name + ".partial")
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    torch.save(own_state, partial / _own_state(accelerator.process_index))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
        for old in checkpoints(folder.parent)[:-total_limit]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def load_checkpoint(accelerator: Accelerator, folder: Path, load_own_state: Callable[[dict[str, Any]], None]) -> None:
    """Go back to what [`save_checkpoint`] wrote.

    Raises:
        ValueError: if the checkpoint was written by another number of processes.
    """
    own = folder / _own_state(accelerator.process_index)
    written = len(list(folder.glob(_own_state("*"))))
    if written != accelerator.num_processes:
        found = accelerator.num_processes
        raise ValueError(f"{folder} was written by {written} process(es): resume with as many, not {found}")
    accelerator.load_state(str(folder))
    load_own_state(torch.load(own, weights_only=True))


def _own_state(rank: int | str) -> str:
    return f"process_{rank}.pt"
