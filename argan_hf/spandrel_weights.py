"""Files of weights of others: told from checkpoints, read without running code, refused in a sentence."""

import pickle
import warnings
import zipfile
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .memory import is_out_of_memory
from .spandrel_network import SpandrelNetwork, UnsupportedNetworkError

WEIGHTS_SUFFIXES = (".ckpt", ".pt", ".pth", ".safetensors")
"""Endings of the names of files that hold the weights of a network."""


def is_weights_file(name_or_path: str | Path) -> bool:
    """Whether a name is that of a file, not that of a checkpoint, a folder or a repository of the Hub."""
    path = Path(name_or_path)
    is_named_so = path.suffix.lower() in WEIGHTS_SUFFIXES and not path.is_dir()
    return is_named_so or (bool(path.suffix) and path.is_file())


def load_spandrel_network(path: str | Path) -> SpandrelNetwork:
    """Load a network from a file of weights, in any of the architectures that spandrel knows.

    Args:
        path: a safetensors file, or a pickle of PyTorch, of which only tensors and plain containers are read; no code
            in it is run.

    Raises:
        FileNotFoundError: if there is no such file.
        UnsupportedNetworkError: if it does not hold a whole network of scale 1 with one channel, or three, in and out.
        ImportError: if spandrel is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is a folder, expected a file" if path.is_dir() else f"there is no file {path}")
    if path.suffix.lower() not in WEIGHTS_SUFFIXES:
        raise UnsupportedNetworkError(
            f"{path} is not taken for a file of weights: the names of such files end in {', '.join(WEIGHTS_SUFFIXES)}"
        )
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:  # A torchvision that does not fit raises RuntimeError.
        raise ImportError(
            f"networks of others need spandrel, which cannot be imported ({error}): "
            'pip install "argan-hf[spandrel]", with a torchvision that fits your torch'
        ) from error
    with warnings.catch_warnings(action="ignore"):
        weights = _read(path)
        if "unet.head.weight" in weights:
            raise UnsupportedNetworkError(
                f"{path} holds weights of this package: give the folder with its config.json, {path.parent}"
            )
        try:
            weights = spandrel.canonicalize_state_dict(weights)
            descriptor = spandrel.ModelLoader().load_from_state_dict(weights)
        except spandrel.UnsupportedModelError as error:
            raise UnsupportedNetworkError(
                f"{path} holds no network that spandrel {spandrel.__version__} knows: choose another file"
            ) from error
        # What weights of one architecture with the names of another can cause is raised as a dozen kinds.
        except Exception as error:
            if is_out_of_memory(error):
                raise MemoryError(f"there is too little memory for the network of {path}") from error
            raise UnsupportedNetworkError(f"{path} holds no whole network ({_words(error)}): get it again") from error
    if problem := _problem(descriptor, weights):
        raise UnsupportedNetworkError(
            f"{path} holds a network of the architecture {descriptor.architecture.name} {problem}, expected one that "
            "gives a picture of the same size, RGB or gray: choose another file"
        )
    return SpandrelNetwork(descriptor, partial(load_spandrel_network, path.resolve()))


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.suffix.lower() == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    # Files that are damaged, or hold more than tensors, are refused with many kinds of exceptions.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"there is too little memory for the weights of {path}") from error
        raise UnsupportedNetworkError(f"{path} {_fault(path, error)}") from error
    if not isinstance(weights, dict):
        raise UnsupportedNetworkError(f"{path} holds no weights by name, found {type(weights).__name__}")
    if not weights:
        raise UnsupportedNetworkError(f"{path} is empty, expected weights by name: get it again")
    return weights


def _fault(path: Path, error: Exception) -> str:
    """What is wrong with a file that cannot be read, in our own words: PyTorch advises to run the code in it."""
    if isinstance(error, PermissionError):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, SafetensorError):
        return "is cut short, damaged, or no safetensors file: get it again"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any("/code/" in name for name in archive.namelist()):
                return "is a program (TorchScript), and code is never run: get the weights alone, as safetensors"
    if isinstance(error, pickle.UnpicklingError) and "weights_only" in str(error) and path.stat().st_size:
        return "is damaged or holds more than weights, and code is never run: get the weights alone, as safetensors"
    return "is cut short, damaged, or no file of weights: get it again"


def _problem(descriptor: Any, weights: dict[str, Any]) -> str | None:
    """Why a network cannot restore planes here, as a part of a sentence."""
    if not hasattr(descriptor, "purpose") or descriptor.purpose == "Inpainting":
        return "that fills masked parts"
    if descriptor.scale != 1:
        return f"that enlarges pictures {descriptor.scale} times"
    channels = (descriptor.input_channels, descriptor.output_channels)
    if channels not in ((1, 1), (3, 3)):
        return f"with {channels[0]} channels in and {channels[1]} out"
    for name, weight in descriptor.model.state_dict().items():
        if weight.is_floating_point() and not bool(weight.isfinite().all()):
            return f"with NaN or infinity in {name}"
    for name, weight in weights.items():
        if isinstance(weight, Tensor) and weight.is_complex():
            return f"with complex numbers in {name}"
    return None


def _words(error: Exception) -> str:
    """The message of an exception on one line, not too long."""
    return shorten(" ".join(str(error).split()), 200, placeholder=" …") or type(error).__name__
