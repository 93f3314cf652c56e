"""Checkpoints of a Hub, whole and damaged, as `load_model` sees them."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from argan_hf.loading import load_model

from .repositories import Hub

pytestmark = pytest.mark.slow

_LOAD = """
import os, torch
from argan_hf import JpegRestorer
from argan_hf.loading import load_model
names, out = arguments
result = {}
for name in names:
    try:
        model = load_model(name)
    except (OSError, ValueError) as error:
        result[name] = [type(error).__name__, str(error)]
    else:
        torch.save(model.state_dict(), out)
        result[name] = ["whole", model.name_or_path]
try:
    JpegRestorer.from_pretrained(names[0], device="cpu").model_at(0.5)
except ValueError as error:
    result["realism"] = [type(error).__name__, str(error)]
"""


def test_a_network_of_the_hub_is_whole_or_refused_in_a_sentence(
    hub: Hub, run_on_hub: Callable[..., Any], checkpoint: Path, tmp_path: Path
) -> None:
    files = {name: (checkpoint / name).read_bytes() for name in ("config.json", "model.safetensors")}
    weights = files["model.safetensors"]
    config = files["config.json"]
    hub.put_files("models", "tester/whole", files)
    hub.put_files("models", "tester/cut", {**files, "model.safetensors": weights[:-9]})
    hub.put_files("models", "tester/text", {**files, "config.json": b"{"})
    hub.put_files("models", "tester/pickle", {"config.json": config, "pytorch_model.bin": pickle.dumps({})})
    names = [f"tester/{name}" for name in ("whole", "cut", "text", "pickle", "nobody")]
    found = run_on_hub(_LOAD, names, tmp_path / "weights.pt")
    assert found["tester/whole"] == ["whole", "tester/whole"]
    loaded = torch.load(tmp_path / "weights.pt")
    assert all(torch.equal(loaded[name], tensor) for name, tensor in load_model(checkpoint).state_dict().items())
    for name, kind, words in (
        ("tester/cut", "DamagedCheckpointError", "model.safetensors of tester/cut is cut short or damaged"),
        ("tester/text", "DamagedCheckpointError", "config.json of tester/text is no JSON"),
        ("tester/pickle", "FileNotFoundError", "tester/pickle holds no model.safetensors (pickles"),
        ("tester/nobody", "OSError", "tester/nobody is not a local folder"),
        ("realism", "NoVariantError", "this checkpoint has no variant for realism: leave realism at 0"),
    ):
        assert found[name][0] == kind
        assert found[name][1].startswith(words)
