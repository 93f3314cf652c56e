"""Exports a checkpoint for browsers: a small graph, and weights that are downloaded in 16 bits where that is exact.

One graph serves every realism, because what differs between them are the weights alone.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from .. import __version__
from ..tiling import receptive_margin
from ..variants import NoVariantError, WeightInterpolation
from .kinds import exported_module, random_inputs, usage
from .onnx_check import LIMITS, SHAPES, largest_difference
from .onnx_export import InexactExportError, checkpoint_name, folder_beside, load_variants
from .onnx_graph import OPSET, build_graph
from .onnx_libraries import require_onnx
from .web_files import (
    EXTERNAL_DATA,
    GRAPH,
    MANIFEST,
    REALISM_WEIGHTS,
    WEIGHTS,
    layout,
    manifest,
    packed,
    take_weights_out,
    unpacked,
    weights_of,
)

if TYPE_CHECKING:
    from onnx import ModelProto

_KIND = "told"
_EXAMPLE = (2, 37, 50)
_CHECKED_REALISM = 0.25
_FILES = {GRAPH, WEIGHTS, REALISM_WEIGHTS, MANIFEST}


@dataclass(frozen=True)
class WebReport:
    """What an export for browsers wrote, and how it was checked.

    Attributes:
        folder: that holds the files.
        files: their names; the manifest, which describes the others, comes last.
        opset: version of the operators.
        size: of all files, in bytes.
        largest_difference: to the network in PyTorch, float32, for samples of 0..1.
        shapes: batch, height and width of the pictures on which it was compared.
    """

    folder: Path
    files: tuple[str, ...]
    opset: int
    size: int
    largest_difference: float
    shapes: tuple[tuple[int, int, int], ...]


def export_web(name_or_path: str | Path, folder: str | Path, overwrite: bool = False) -> WebReport:
    """Write the network of a checkpoint as a folder that `web/engine/network.js` loads.

    The folder holds `graph.onnx` of the kind "told" without its weights, `weights.bin`, `weights-realism.bin` if the
    checkpoint has that variant, and `manifest.json`, which says what lies where. Two exports give equal bytes.

    Args:
        name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, or a Hub id.
        folder: is made; it may exist if it is empty.
        overwrite: whether an earlier export in this folder is replaced.

    Returns:
        What was written, and the largest difference to the network in PyTorch, with both variants mixed if there are
        two.

    Raises:
        ImportError: if a library for ONNX is missing.
        FileExistsError: if the folder holds an export and `overwrite` is false, or holds anything else.
        OSError: if there is no such checkpoint, or the folder cannot be written.
        InexactExportError: if the files give other results than the network by more than rounding.
        ValueError: if the checkpoint is a file of weights of others (`DamagedCheckpointError` if it does not hold a
            whole network).
    """
    folder = Path(os.path.realpath(folder))
    _check_free(folder, overwrite=overwrite)
    require_onnx()
    variants = load_variants(name_or_path)
    files = _files(variants, checkpoint_name(name_or_path))
    with folder_beside(folder) as scratch:
        checked, written = Path(scratch) / "checked", Path(scratch) / "written"
        checked.mkdir()
        difference = _largest_difference(files, variants, checked)
        if not difference <= LIMITS[torch.float32]:
            raise InexactExportError(
                f"the files for browsers differ from the network in PyTorch by {difference:.2g}, expected "
                f"{LIMITS[torch.float32]:.2g} at most, so nothing was written: try other versions of torch and "
                "onnxscript"
            )
        written.mkdir()
        for name, data in files.items():
            (written / name).write_bytes(data)
        _check_free(folder, overwrite=overwrite)  # It took seconds.
        put_in_place(written, folder, Path(scratch) / "replaced")
    size = sum(map(len, files.values()))
    return WebReport(folder, tuple(files), OPSET, size, difference, SHAPES)


def _check_free(folder: Path, *, overwrite: bool) -> None:
    names = names_in(folder)
    if others := sorted(names - _FILES):
        raise FileExistsError(f"{folder} holds {others[0]}, which is no part of an export: choose another folder")
    if names and not overwrite:
        raise FileExistsError(f"{folder} exists already: choose another name, or overwrite it")


def _files(variants: WeightInterpolation, name: str) -> dict[str, bytes]:
    """The content of the files by name, in the order in which they are reported."""
    networks: list[Any] = [variants.at(0.0)]
    with suppress(NoVariantError):
        networks.append(variants.at(1.0))
    config = networks[0].config
    planes = int(config.num_channels)
    about = {"name": name, "license": "apache-2.0", "argan_hf_version": __version__}
    graphs = [_graph(network, about | {"kind": _KIND, "usage": usage(_KIND, planes)}) for network in networks]
    weights = [weights_of(graph) for graph in graphs]
    for graph in graphs:
        take_weights_out(graph)
    graph, *others = (graph.SerializeToString(deterministic=True) for graph in graphs)
    # Where the exporter computes with weights, the results of both variants are mixed: that is checked in the end.
    if any(other != graph for other in others):
        raise InexactExportError(
            "the two variants of this checkpoint have different graphs, expected one for both: try other versions of "
            "torch and onnxscript"
        )
    tensors = layout(weights)
    files = {GRAPH: graph}
    files |= {name: packed(part, tensors) for name, part in zip((WEIGHTS, REALISM_WEIGHTS), weights, strict=False)}
    measured = config.tile_margin
    numbers = {
        "num_channels": planes,
        "size_divisor": int(config.size_divisor),
        "tile_margin": int(_receptive_margin(networks[0]) if measured is None else measured),
        "condition_on_quantization": bool(config.condition_on_quantization),
    }
    return files | {MANIFEST: manifest(about | numbers, files, tensors)}


def _graph(network: nn.Module, metadata: Mapping[str, str]) -> "ModelProto":
    planes = int(network.config.num_channels)  # type: ignore[union-attr, arg-type]
    return build_graph(exported_module(network, _KIND), random_inputs(_KIND, planes, _EXAMPLE, 0), metadata)


def _receptive_margin(network: Any) -> int:
    config = network.config
    return receptive_margin(lambda probe: network(probe).reconstruction, config.num_channels, config.size_divisor)


def _largest_difference(files: Mapping[str, bytes], variants: WeightInterpolation, folder: Path) -> float:
    """The largest difference between networks in PyTorch and those that a browser makes of the files."""
    tensors = json.loads(files[MANIFEST])["tensors"]
    (folder / GRAPH).write_bytes(files[GRAPH])
    buffers = [torch.from_numpy(unpacked(files[name], tensors)) for name in (WEIGHTS, REALISM_WEIGHTS) if name in files]
    differences = []
    for realism in (0.0, _CHECKED_REALISM)[: len(buffers)]:
        mixed = torch.lerp(buffers[0], buffers[-1], realism)
        (folder / EXTERNAL_DATA).write_bytes(mixed.numpy().astype("<f4").tobytes())
        network: Any = variants.at(realism)
        module = exported_module(network, _KIND)
        differences.append(largest_difference(folder / GRAPH, module, module, _KIND, network.config.num_channels))
    return float(np.max(differences))


def names_in(folder: Path) -> set[str]:
    """What a folder holds that is to be written; nothing if there is none yet.

    Raises:
        OSError: if it is a file, or lies in no folder.
    """
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.parent}: create it first")
    if not folder.exists():
        return set()
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is a file, expected the name of a folder")
    return {path.name for path in folder.iterdir()}


def put_in_place(written: Path, folder: Path, replaced: Path) -> None:
    """Give a folder its name, at which there may be another."""
    if folder.exists():
        folder.rename(replaced)
    try:
        written.rename(folder)
    except OSError:
        if replaced.exists():
            replaced.rename(folder)
        raise
