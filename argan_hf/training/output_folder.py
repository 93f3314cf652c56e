"""The folder of a run: used by one run at a time, and its export whole or as it was before.

A new run in the folder of an earlier one would delete its own training checkpoints as the oldest, and overwrite the
earlier result.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from .checkpointing import checkpoints, is_checkpoint

VALIDATION_LOG = "validation.jsonl"
SAMPLES = "samples"
TRACKED = "argan"
_PARTIAL_EXPORT = ".export.partial"
# Each of these files says that there was a run, or that somebody else's network is here.
_RUN = "training_args.json"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
_MARKS = (*_WEIGHTS, "config.json", _RUN, VALIDATION_LOG)
# Of these, a run writes some or none; those of an earlier run must not stay beside its export.
_SOMETIMES_EXPORTED = ("discriminator", "results.json", "before_after.png")
# What else a run leaves behind, and a new one would go on with, or nobody would ever delete.
_LEFT = (
    f"{SAMPLES}/step-*.png",
    VALIDATION_LOG,
    f"{TRACKED}/events.out.tfevents.*",
    "checkpoint-[0-9]*.superseded*",
    "checkpoint-[0-9]*.partial",
    _PARTIAL_EXPORT,
)


def prepare_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        OSError: if it cannot be made or written, which is better known now than after hours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass


def check_unused(folder: Path) -> None:
    """Refuse the folder of an earlier run.

    Raises:
        ValueError: if it holds training checkpoints, an export, or a log of scores, which would go on with ours.
    """
    found = resumable = [path.name for path in checkpoints(folder)]
    found = found + [name for name in _MARKS if (folder / name).exists()]
    if found:
        way = "go on with it (--resume_from_checkpoint latest), " if resumable else ""
        raise ValueError(
            f"{folder} holds an earlier run ({', '.join(found)}): {way}choose another --output_dir, or let this run "
            "replace it (--overwrite_output_dir)"
        )


def remove_earlier_run(folder: Path) -> None:
    """Delete training checkpoints, samples and logs of an earlier run; its export stays until there is a new one.

    Raises:
        OSError: if they cannot be deleted.
    """
    left = checkpoints(folder) + [found for pattern in _LEFT for found in sorted(folder.glob(pattern))]
    for path in left:
        if path.is_symlink() or path.is_file() or path.name.endswith(".partial") or is_checkpoint(path):
            _remove(path)


def export_whole(folder: Path, export: Callable[[Path], None]) -> None:
    """Export into a hidden folder, and move the files to their places when all of them are complete.

    Args:
        folder: of the run.
        export: writes an export into the folder that it is given.

    Raises:
        Exception: what `export` raises; an earlier export is then unchanged.
    """
    partial = folder / _PARTIAL_EXPORT
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        export(partial)
        if (folder / _RUN).exists():
            for name in _SOMETIMES_EXPORTED:
                _remove(folder / name)
        for path in sorted(partial.iterdir()):
            if path.is_dir():
                _remove(folder / path.name)
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
