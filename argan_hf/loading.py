"""Loads the network of a checkpoint whole, or says in one sentence what is wrong with its files.

Files come from strangers, are cut short by full disks, or are put together from two checkpoints. A network that lacks
weights would still run and give wrong pictures, so none is returned.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForImageToImage, PreTrainedConfig, PreTrainedModel
from transformers.utils import cached_file, logging
from transformers.utils.hub import extract_commit_hash

from .checkpoint_files import locate, weights_name
from .memory import is_out_of_memory
from .quiet import quiet

_HUB_OPTIONS = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
_NEEDED = ("num_channels", "size_divisor", "condition_on_quantization")
_PICKLE_STARTS = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_FLOATS = ("F16", "BF16", "F32", "F64")
_COUNTER = "num_batches_tracked"
_REMEDY = "get both files of the checkpoint again"


class DamagedCheckpointError(ValueError):
    """A checkpoint that exists, but does not hold a whole network; one sentence says what was found and what to do."""


def load_model(name_or_path: str | Path, *, kind: Any = AutoModelForImageToImage, **kwargs: Any) -> PreTrainedModel:
    """Load the network of a checkpoint of this package, of a local folder or of the Hub.

    Pickles are never opened, and code that comes with a checkpoint is never run.

    Args:
        name_or_path: see [`locate`].
        kind: class of the network, or an Auto class that chooses it.
        kwargs: passed to `kind.from_pretrained` (`variant`, `revision`, `token`, …).

    Returns:
        The network, in which every weight is a finite number from the file.

    Raises:
        OSError: if there is no such checkpoint, or it has no such variant.
        DamagedCheckpointError: if there is one, and it does not hold a whole network.
    """
    # A configuration may ask for halves, which few CPUs compute; [`preferred_dtype`] chooses where they pay.
    kwargs.setdefault("dtype", torch.float32)
    place = locate(name_or_path)
    hub = {name: kwargs.pop(name) for name in _HUB_OPTIONS if name in kwargs}
    config_path = _find(place, "config.json", hub)
    config = _read_config(config_path, place)
    # Configuration and weights are taken from one commit of the Hub, whatever is published meanwhile.
    if commit := extract_commit_hash(str(config_path), None):
        hub["revision"] = commit
    weights_path = _find(place, weights_name(kwargs.get("variant")), hub)
    strange = [name for name in _NEEDED if kind is AutoModelForImageToImage and not hasattr(config, name)]
    if strange:
        raise DamagedCheckpointError(
            f"config.json of {place} describes a network of the type {config.model_type!r} without {strange[0]}, "
            "expected one that restores JPEG planes: choose another checkpoint"
        )
    _check_file(weights_path, place)
    try:
        # transformers logs a table of the weights that do not fit.
        with (
            _no_progress_bar(),
            quiet("transformers.modeling_utils", lambda record: "LOAD REPORT" in record.getMessage()),
        ):
            model, report = kind.from_pretrained(
                config_path.parent,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                # Such weights are refused below, in one sentence.
                ignore_mismatched_sizes=True,
                **kwargs,
            )
    # What a configuration can say wrong is raised as a dozen kinds.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"there is too little memory for the network of {place}") from error
        raise DamagedCheckpointError(
            f"the checkpoint {place} cannot be loaded, because config.json or {weights_path.name} is wrong "
            f"({_reason(error)}): {_REMEDY}"
        ) from error
    if problem := _mismatch(report) or _not_finite(model):
        raise DamagedCheckpointError(f"{weights_path.name} of {place} {problem}: {_REMEDY}")
    model.config.return_dict = True  # Outputs are read by name.
    model.config.name_or_path = model.name_or_path = str(place)
    network: PreTrainedModel = model
    return network


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Without the bar that transformers draws over the weights, which takes longer than loading them."""
    shows = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shows:
            logging.enable_progress_bar()


def load_config(name_or_path: str | Path) -> PreTrainedConfig:
    """Load the configuration of a checkpoint alone.

    Args:
        name_or_path: see [`locate`].

    Raises:
        OSError: if there is no such checkpoint.
        DamagedCheckpointError: if its `config.json` describes no network.
    """
    place = locate(name_or_path)
    return _read_config(_find(place, "config.json", {}), place)


def _find(place: str | Path, name: str, hub: dict[str, Any]) -> Path:
    """A file of a checkpoint, downloaded if it is on the Hub.

    Raises:
        OSError: if it does not exist or cannot be downloaded; a FileNotFoundError if the checkpoint exists.
    """
    # The configuration comes first: without it, the Hub's own words say whether there is such a name.
    is_known = Path(place).is_dir() or name != "config.json"
    found = cached_file(str(place), name, _raise_exceptions_for_missing_entries=not is_known, **hub)
    if found is None:
        pickles = name.endswith(".safetensors")
        words = " (pickles such as pytorch_model.bin are not read, because they can run code)" if pickles else ""
        raise FileNotFoundError(f"{place} holds no {name}{words}: give a folder or Hub id with both files of a network")
    return Path(found)


def _read_config(path: Path, place: str | Path) -> PreTrainedConfig:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpointError(
            f"config.json of {place} is no JSON that can be read ({_reason(error)}): {_REMEDY}"
        ) from error
    model_type = content.get("model_type") if isinstance(content, dict) else None
    if not isinstance(model_type, str):
        raise DamagedCheckpointError(
            f"config.json of {place} describes no network, expected a JSON object with a model_type: {_REMEDY}"
        )
    if model_type not in CONFIG_MAPPING:
        raise DamagedCheckpointError(
            f"config.json of {place} has the unknown model_type {model_type[:40]!r}, and custom code is never run: "
            "choose another checkpoint"
        )
    # Other files, which can be pickles, and other libraries that read them.
    for entry in ("transformers_weights", "quantization_config"):
        if content.get(entry) is not None:
            raise DamagedCheckpointError(
                f"config.json of {place} has an entry {entry}, expected weights as they are in {weights_name()}: "
                "choose another checkpoint"
            )
    try:
        return AutoConfig.from_pretrained(path.parent, trust_remote_code=False)
    # Values of a wrong type are noticed in many places, each with an exception of its own.
    except Exception as error:
        raise DamagedCheckpointError(
            f"config.json of {place} describes no network that can be built ({_reason(error)}): {_REMEDY}"
        ) from error


def _check_file(path: Path, place: str | Path) -> None:
    try:
        with safe_open(path, "pt") as file:
            kinds = {name: str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        with path.open("rb") as file:
            start = file.read(2)
        kind = "is a pickle, which is never read" if start in _PICKLE_STARTS else "is cut short or damaged"
        raise DamagedCheckpointError(
            f"{path.name} of {place} {kind}, expected a whole safetensors file ({path.stat().st_size:,} bytes, "
            f"{_reason(error)}): {_REMEDY}"
        ) from error
    for name, kind in kinds.items():
        if kind not in _FLOATS and not name.endswith(_COUNTER):
            raise DamagedCheckpointError(
                f"{path.name} of {place} holds numbers of type {kind} in {name[:80]}, expected one of "
                f"{', '.join(_FLOATS)}: {_REMEDY}"
            )


def _mismatch(report: dict[str, Any]) -> str | None:
    """What is wrong by the loading report of transformers, as the end of a sentence; `None` if all weights fit."""
    for name, found, expected in sorted(report["mismatched_keys"]):
        return f"does not belong to its config.json: {name} has the shape {tuple(found)}, expected {tuple(expected)}"
    for key, words in (("missing_keys", "is missing"), ("unexpected_keys", "is one tensor too many")):
        # Counters of training steps, which restoring does not use; older files lack them.
        names = sorted(name for name in report[key] if not name.endswith(_COUNTER))
        if names:
            more = f" (and {len(names) - 1} more)" if names[1:] else ""
            return f"does not belong to its config.json: {names[0][:80]}{more} {words}"
    return "cannot be read" if report["error_msgs"] else None


def _not_finite(model: PreTrainedModel) -> str | None:
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"holds NaN or infinity in {name}, expected finite numbers"
    return None


def _reason(error: Exception) -> str:
    """The message of an exception on one line, not too long."""
    return shorten(str(error).rstrip(":. \n"), 240, placeholder=" …") or type(error).__name__
