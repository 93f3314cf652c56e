"""Training from a Hub and back to it: pictures stream from there, publications arrive, a stranger loads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard

import train

from .repositories import Hub

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

_TRAIN = """
import contextlib, io
sys.path.insert(0, arguments[2])
import train
from argan_hf.cli import main
err = io.StringIO()
with contextlib.redirect_stderr(err):
    code = train.main(arguments[0])
    tagged = main(["publish", "--no-onnx", *arguments[1]]) if arguments[1] else None
result = [code, tagged, err.getvalue()]
"""

_STRANGER = """
sys.modules["argan_hf"] = None  # an import of the package fails, as where it is not installed
import torch
from transformers import AutoModelForImageToImage
model = AutoModelForImageToImage.from_pretrained(arguments[0], revision=arguments[1], trust_remote_code=True)
with torch.no_grad():
    difference = model(torch.full((1, 1, 24, 40), 0.3)).reconstruction - 0.3
result = {"finite": bool(difference.isfinite().all()), "changed": bool(difference.any()),
          "weights": {name: tensor.double().sum().item() for name, tensor in model.state_dict().items()}}
"""


def _flags(output_dir: Path, **changes: object) -> list[str]:
    values = {
        "dataset_name": "tester/pictures",
        "reservoir_mib": 4,
        "slot_size": 256,
        "model": json.dumps({"hidden_sizes": [4, 8]}),
        "train_batch_size": 2,
        "max_train_steps": 30,
        "adversarial_start_step": 20,
        "validation_pictures": 1,
        "logging_steps": 10,
        "output_dir": output_dir,
        **changes,
    }
    return [f"--{name}={value}" for name, value in values.items()]


@pytest.mark.extra
def test_from_the_hub_and_back_twice(
    hub: Hub, run_on_hub: Callable[..., Any], picture_parquet: str, tmp_path: Path
) -> None:
    shards = sorted(Path(picture_parquet).parent.glob("*.parquet"))
    hub.put_files("datasets", "tester/pictures", {f"data/{path.name}": path.read_bytes() for path in shards})

    first = tmp_path / "first"
    publish = {"push_to_hub": True, "hub_model_id": "tester/trained"}
    again = [str(first), "tester/trained", "--tag", "v1"]
    code, tagged, err = run_on_hub(_TRAIN, _flags(first, **publish), again, ROOT)
    assert (code, tagged) == (0, 0), err
    assert hub.log("models", "tester/trained") == ["initial commit", "Publish trained", "Publish trained v1"]
    files = hub.files("models", "tester/trained")
    assert files["model.safetensors"] == (first / "model.safetensors").read_bytes()
    assert {"README.md", "before_after.png", "discriminator/model.safetensors", "modeling_argan.py"} <= set(files)
    card = ModelCard(files["README.md"].decode())
    assert card.data.datasets == ["tester/pictures"]
    assert {entry.metric_type for entry in card.data.eval_results} == {"psnr", "psnr_b", "ssim"}

    start = {"model_name_or_path": first, "model": "{}", "learning_rate": 1e-3}
    code, _, err = run_on_hub(_TRAIN, _flags(tmp_path / "second", **publish, **start), None, ROOT)
    assert code == 0, err
    assert hub.log("models", "tester/trained")[-1] == "Publish trained"

    old, new = (run_on_hub(_STRANGER, "tester/trained", revision, token="") for revision in ("v1", "main"))
    assert old["finite"]
    assert old["changed"]
    assert old["weights"].keys() == new["weights"].keys()
    assert old["weights"] != new["weights"]


def test_nobody_trains_for_hours_to_find_no_token(
    picture_parquet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_token() -> None:
        raise ValueError("there is no token for the Hub: log in")

    monkeypatch.setattr("argan_hf.training.trainer.check_token", no_token)
    flags = _flags(tmp_path / "run", dataset_name="parquet", push_to_hub=True)
    assert train.main([*flags, "--data_files", picture_parquet]) == 2
    assert "there is no token for the Hub" in capsys.readouterr().err
    assert not any((tmp_path / "run").iterdir())
    assert torch.is_grad_enabled()
