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

from .checkpoint_manifest import MANIFEST, find_damage, find_difference, step_of, write_manifest

_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoints(folder: Path) -> list[Path]:
    """Complete training checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_step)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder was written as a training checkpoint, or as a part of one, by this or an earlier version."""
    return any((folder / name).is_file() for name in (MANIFEST, _own_state(0), "random_states_0.pkl"))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete training checkpoint of a run, `None` if there is none."""
    return next(reversed(checkpoints(folder)), None)


def find_checkpoint(name: str, output_dir: Path) -> Path:
    """The training checkpoint that `--resume_from_checkpoint` names: a path, or "latest" of `output_dir`.

    Raises:
        FileNotFoundError: if there is no such training checkpoint.
        ValueError: if its files are damaged, or were written by another version; the newest whole one is named.
    """
    folder = latest_checkpoint(output_dir) if name == "latest" else Path(name)
    if folder is None or not is_checkpoint(folder):
        found = ", ".join(path.name for path in checkpoints(output_dir)) or "none"
        raise FileNotFoundError(
            f"nothing to resume: {name!r} is no complete training checkpoint; {output_dir} holds {found}. Omit "
            "--resume_from_checkpoint to start a new run"
        )
    if damage := find_damage(folder):
        others = [path for path in reversed(checkpoints(folder.parent)) if path != folder and not find_damage(path)]
        way = f"the newest whole one is {others[0]}" if others else "there is no other one: start a new run"
        raise ValueError(f"{folder} {damage}, so nothing can be resumed from it; {way}")
    return folder


def set_newer_aside(folder: Path, resumed_from: Path) -> list[Path]:
    """Rename the training checkpoints that are newer than the one a run resumes from, to `checkpoint-STEP.superseded`.

    Else "latest" would name a training checkpoint that the resumed run has not written.

    Args:
        folder: of the run.
        resumed_from: a training checkpoint in it, under any name.

    Returns:
        Their new paths.
    """
    step, aside = step_of(resumed_from), []
    for path in checkpoints(folder):
        if _step(path) < step or path.resolve() == resumed_from.resolve():
            continue
        number, renamed = 1, path.with_name(f"{path.name}.superseded")
        while renamed.exists():
            number += 1
            renamed = path.with_name(f"{path.name}.superseded-{number}")
        aside.append(path.rename(renamed))
    return aside


def save_checkpoint(
    accelerator: Accelerator, folder: Path, own_state: dict[str, Any], *, settings: dict[str, Any], total_limit: int
) -> None:
    """Write a training checkpoint beside its final path, rename it, and delete the oldest ones beyond the limit.

    Args:
        accelerator: holds the networks, the optimizers and what was registered for checkpointing.
        folder: the final path, `checkpoint-STEP`.
        own_state: what differs between processes; each process writes its own.
        settings: that a run which resumes from it must share.
        total_limit: how many training checkpoints are kept.

    Raises:
        Exception: what the libraries raise that cannot write; nothing incomplete is left.
    """
    partial = folder.with_name(folder.name + ".partial")
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    try:
        accelerator.save_state(str(partial))
        torch.save(own_state, partial / _own_state(accelerator.process_index))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            write_manifest(partial, settings, accelerator.num_processes, step=_step(folder))
            if folder.exists():
                _remove(folder)
            partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if accelerator.is_main_process:
        for old in checkpoints(folder.parent)[:-total_limit]:
            _remove(old)
    accelerator.wait_for_everyone()


def load_checkpoint(
    accelerator: Accelerator,
    folder: Path,
    load_own_state: Callable[[dict[str, Any]], None],
    *,
    settings: dict[str, Any],
) -> None:
    """Restore the state that [`save_checkpoint`] wrote.

    Args:
        accelerator: holds what the training checkpoint restores.
        folder: the training checkpoint, from [`find_checkpoint`].
        load_own_state: takes the state of this process.
        settings: of this run.

    Raises:
        ValueError: if the run that wrote it had another network, adversary, optimizer or number of processes.
    """
    if difference := find_difference(folder, settings, accelerator.num_processes):
        raise ValueError(
            f"{folder} was written by a run with {difference}: resume it with the same settings, or start a new run, "
            "from the weights that were exported if you like (--model_name_or_path)"
        )
    accelerator.load_state(str(folder))
    load_own_state(torch.load(folder / _own_state(accelerator.process_index), weights_only=True))


def _step(folder: Path) -> int:
    return int(folder.name.split("-")[1])


def _remove(folder: Path) -> None:
    """Delete a training checkpoint; of a link to another disk, the link."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _own_state(rank: int | str) -> str:
    return f"process_{rank}.pt"
