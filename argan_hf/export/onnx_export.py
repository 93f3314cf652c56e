"""Exports a checkpoint to ONNX, the format of networks that most programs and browsers run.

A file is compared with the network before it gets its name: what is written is right, or nothing is written.
"""

import copy
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import __version__
from ..defaults import REALISM_VARIANT
from ..networks import load_network
from ..spandrel_weights import is_weights_file
from ..variants import WeightInterpolation
from .kinds import KINDS, exported_module, random_inputs, usage
from .onnx_check import LIMITS, SHAPES, largest_difference
from .onnx_graph import OPSET, build_graph
from .onnx_libraries import require_onnx

_SUFFIX = ".onnx"
_EXAMPLE = (2, 37, 50)


class InexactExportError(ValueError):
    """An exported file gives other results than the network; one sentence says by how much."""


@dataclass(frozen=True)
class OnnxReport:
    """What an export wrote, and how it was checked.

    Attributes:
        files: the ONNX file, and the file of its weights, if they lie beside it.
        kind: "told" or "rgb".
        dtype: of weights and arithmetic; inputs and outputs are float32.
        opset: version of the operators.
        size: of all files, in bytes.
        largest_difference: to the network in PyTorch, float32, for samples of 0..1.
        shapes: batch, height and width of the pictures on which it was compared.
    """

    files: tuple[Path, ...]
    kind: str
    dtype: torch.dtype
    opset: int
    size: int
    largest_difference: float
    shapes: tuple[tuple[int, int, int], ...]


def export_onnx(
    name_or_path: str | Path,
    path: str | Path,
    *,
    kind: str = "rgb",
    dtype: torch.dtype = torch.float32,
    realism: float = 0.0,
    external_data: bool = False,
    overwrite: bool = False,
) -> OnnxReport:
    """Write the network of a checkpoint as an ONNX file, which restores pictures of any size, in batches.

    Inputs and outputs of the kinds:
        - "rgb": `pixel_values`, float32 (batch, 3, height, width), RGB, 0..1 -> `reconstruction`, of the same shape,
          RGB, 0..1. The network gets no tables. A luma network leaves chroma as it is.
        - "told": `pixel_values`, float32 (batch, C, height, width), planes, 0..1, and `quantization`, int32
          (batch, C, 8, 8), their tables, zeros where unknown -> `reconstruction`, planes of the same shape, nominally
          0..1, not clamped. A blind network takes the tables, too, and ignores them.

    Args:
        name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, or a Hub id.
        path: of the file, which ends in ".onnx".
        kind: "rgb" or "told".
        dtype: float32, or float16 for weights and arithmetic of 16 bits; inputs and outputs stay float32.
        realism: 0..1.
        external_data: whether the weights lie beside the file, in a file whose name has "_data" at its end.
        overwrite: whether files of these names are replaced.

    Returns:
        What was written, and the largest difference to the network in PyTorch.

    Raises:
        ImportError: if a library for ONNX is missing.
        FileExistsError: if a file of that name exists, and `overwrite` is false.
        OSError: if there is no such checkpoint, or the file cannot be written.
        InexactExportError: if the exported file differs from the network by more than rounding.
        ValueError: if an argument is out of range, or the checkpoint has no variant for realism
            (`DamagedCheckpointError` if it does not hold a whole network).
    """
    path = Path(path)
    _check(path, kind, dtype, overwrite=overwrite, external_data=external_data)
    require_onnx()
    network: Any = load_variants(name_or_path).at(realism)
    planes = network.config.num_channels
    exported = network if dtype == torch.float32 else copy.deepcopy(network).to(dtype)
    metadata = {
        "name": checkpoint_name(name_or_path),
        "kind": kind,
        "dtype": _name(dtype),
        "realism": f"{realism:g}",
        "license": "apache-2.0",
        "argan_hf_version": __version__,
        "usage": usage(kind, planes),
    }
    with folder_beside(path) as folder:
        partial_file = Path(folder) / path.name
        module = exported_module(exported, kind)
        model = build_graph(module, random_inputs(kind, planes, _EXAMPLE, 0), metadata)
        _write(model, partial_file, external_data=external_data)
        difference = largest_difference(partial_file, module, exported_module(network, kind), kind, planes)
        if not difference <= LIMITS[dtype]:
            raise InexactExportError(
                f"the exported network differs from the one in PyTorch by {difference:.2g}, expected "
                f"{LIMITS[dtype]:.2g} at most, so no file was written: {_remedy(dtype)}"
            )
        _check_free(path, overwrite=overwrite, external_data=external_data)  # It took seconds.
        # The weights first: a file that is there is whole.
        written = sorted(Path(folder).iterdir(), key=lambda file: file.name == path.name)
        size = sum(file.stat().st_size for file in written)
        for file in written:
            # The library lets only its owner read a file of weights.
            file.chmod(partial_file.stat().st_mode)
            file.replace(path.with_name(file.name))
    if not external_data:
        _data_file(path).unlink(missing_ok=True)  # of the file that was replaced
    files = tuple(path.with_name(file.name) for file in reversed(written))
    return OnnxReport(files, kind, dtype, OPSET, size, difference, SHAPES)


def _check(path: Path, kind: str, dtype: torch.dtype, *, overwrite: bool, external_data: bool) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, found {kind!r}")
    if dtype not in LIMITS:
        raise ValueError(f"dtype must be one of {', '.join(map(_name, LIMITS))}, found {_name(dtype)}")
    if path.suffix != _SUFFIX:
        raise ValueError(f"the name of an ONNX file ends in {_SUFFIX}, found {path.name!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: create it first")
    _check_free(path, overwrite=overwrite, external_data=external_data)


def _check_free(path: Path, *, overwrite: bool, external_data: bool) -> None:
    for file in (path, _data_file(path)) if external_data else (path,):
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder, expected the name of a file")
        if file.exists() and not overwrite:
            raise FileExistsError(f"{file} exists already: choose another name, or overwrite it")


def folder_beside(path: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder on the same disk, from which files become visible at once.

    Raises:
        OSError: if nothing can be written there.
    """
    try:
        return tempfile.TemporaryDirectory(dir=path.parent, prefix=".argan-")
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error


def load_variants(name_or_path: str | Path) -> WeightInterpolation:
    """The networks of a checkpoint of this package, by realism.

    Raises:
        OSError: if there is no such checkpoint.
        ValueError: if it is a file of weights of others, or does not hold a whole network.
    """
    if is_weights_file(name_or_path):
        raise ValueError(f"networks of this package are exported, found the file {name_or_path}: give a checkpoint")
    network: nn.Module = load_network(name_or_path)
    return WeightInterpolation(network.eval(), partial(load_network, name_or_path, REALISM_VARIANT))


def checkpoint_name(name_or_path: str | Path) -> str:
    """What a checkpoint is called in a file that is made from it: the name of its folder, or its id."""
    return Path(name_or_path).resolve().name if Path(name_or_path).exists() else str(name_or_path)


def _write(model: Any, path: Path, *, external_data: bool) -> None:
    import onnx

    location = _data_file(path).name if external_data else None
    onnx.save_model(model, path, save_as_external_data=external_data, location=location)


def _data_file(path: Path) -> Path:
    """Where the weights lie beside a file; transformers.js looks for this name."""
    return path.with_name(f"{path.name}_data")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _remedy(dtype: torch.dtype) -> str:
    return "export it in float32" if dtype != torch.float32 else "try other versions of torch and onnxscript"
