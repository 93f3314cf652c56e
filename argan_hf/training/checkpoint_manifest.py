"""What a training checkpoint says about itself: the settings it belongs to, and the checksums of its files.

A run that resumes with another network, or from a file that was cut short, would fail in the middle of a library, or
worse, go on with a part of its state. So both are compared first, and every difference is named.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig

from .arguments import ArganTrainingArguments

MANIFEST = "checkpoint.json"

# Changes when training checkpoints of earlier versions no longer fit.
_FORMAT = 3
# Entries of a configuration that say where a network comes from, not what it is.
_ORIGINS = ("_name_or_path", "architectures", "auto_map", "custom_pipelines", "dtype", "transformers_version")


def settings_of(args: ArganTrainingArguments) -> dict[str, Any]:
    """The settings that a run must share with the training checkpoint that it resumes from."""
    has_discriminator = args.adversarial_start_step < args.max_train_steps
    return {
        "model": _fields(args.model_config),
        "discriminator": _fields(args.discriminator_config) if has_discriminator else None,
        "adversarial_start_step": args.adversarial_start_step if has_discriminator else None,
        "optimizer": args.optimizer,
    }


def write_manifest(folder: Path, settings: dict[str, Any], num_processes: int, *, step: int) -> None:
    """Write `checkpoint.json` into a training checkpoint whose other files are complete.

    Raises:
        OSError: if it cannot be written.
    """
    files = {path.relative_to(folder).as_posix(): _checksum(path) for path in _files(folder)}
    content = {"format": _FORMAT, "step": step, "num_processes": num_processes, "settings": settings, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def find_damage(folder: Path) -> str | None:
    """What is wrong with the files of a training checkpoint, as the end of a sentence; `None` if all are whole."""
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        version, files = content["format"], dict(content["files"])
        is_odd = not files or not isinstance(content["settings"]["model"], dict)
        is_odd |= not all(isinstance(content[name], int) for name in ("step", "num_processes"))
    except FileNotFoundError:
        return "is not complete, or was written by another version of this package"
    except (OSError, ValueError, TypeError, KeyError):
        return f"is damaged ({MANIFEST} cannot be read)"
    if version != _FORMAT:
        return "was written by another version of this package"
    if is_odd:
        return f"is damaged ({MANIFEST} is not as it was written)"
    for name, checksum in files.items():
        try:
            if _checksum(folder / name) != checksum:
                return f"is damaged ({name} is not as it was written)"
        except (OSError, ValueError) as error:  # A name with a NUL raises ValueError.
            return f"is damaged ({name} cannot be read: {getattr(error, 'strerror', None) or error})"
    return None


def step_of(folder: Path) -> int:
    """The step at which a training checkpoint without damage was written."""
    step: int = json.loads((folder / MANIFEST).read_bytes())["step"]
    return step


def find_difference(folder: Path, settings: dict[str, Any], num_processes: int) -> str | None:
    """How a run differs from the one that wrote a training checkpoint, in words; `None` if it can go on from there.

    Args:
        folder: a training checkpoint without damage.
        settings: from [`settings_of`].
        num_processes: of this run.
    """
    content = json.loads((folder / MANIFEST).read_bytes())
    if content["num_processes"] != num_processes:
        return f"{content['num_processes']} process(es), not {num_processes}"
    there, here = content["settings"], json.loads(json.dumps(settings))
    if bool(there["discriminator"]) != bool(here["discriminator"]):
        found, way = ("a discriminator", "not below") if there["discriminator"] else ("no discriminator", "below")
        return f"{found}, and the adversarial_start_step of this one is {way} its max_train_steps"
    there, here = _flat(there), _flat(here)
    names = sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))
    if "model.model_type" in names:  # No other field of another kind of network says more.
        names = ["model.model_type"]
    return ", ".join(f"{name} {there.get(name)}, not {here.get(name)}" for name in names) or None


def _fields(config: PreTrainedConfig) -> dict[str, Any]:
    return {name: value for name, value in config.to_dict().items() if name not in _ORIGINS}


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by one name each, those of networks included."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= (
            {f"{name}.{field}": entry for field, entry in value.items()} if isinstance(value, dict) else {name: value}
        )
    return flat


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
