"""What would be published; the way to the Hub itself is tested in `tests/hub/`."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from argan_hf import ArganImageProcessor, JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.evaluation.results import Results
from argan_hf.hub.publish import stage
from tests.evaluation.test_results import SCORE


@pytest.mark.parametrize("name", ["argan-jpeg-luma", "ar-cnn-q10", "d3-q20"])
def test_shipped_checkpoints_are_published_by_name(name: str, tmp_path: Path, photo: Image.Image) -> None:
    stage(name, "me/net", tmp_path, onnx=False)
    weights = [folder / "model.safetensors" for folder in (tmp_path, CHECKPOINTS / name)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert ("auto_map" in json.loads((tmp_path / "config.json").read_text())) == name.startswith("argan")
    source = photo.crop((0, 0, 48, 32))
    restored = [JpegRestorer.from_pretrained(place, device="cpu")(source).image for place in (tmp_path, name)]
    assert restored[0] == restored[1]


def test_results_and_picture_of_the_folder_are_used(checkpoint: Path, tmp_path: Path) -> None:
    Results("LIVE1", "luma", (SCORE, SCORE.__class__(**{**vars(SCORE), "method": "checkpoint"}))).write(
        checkpoint / "results.json"
    )
    for name, content in (("before_after.png", b"picture"), ("training_args.json", b'{"max_train_steps": 3}')):
        (checkpoint / name).write_bytes(content)
        target = tmp_path / name
        target.mkdir()
        stage(checkpoint, "me/net", target, onnx=False)
        assert (target / name).read_bytes() == content
        assert "| 10 | net | **27.770** |" in (target / "README.md").read_text()


def test_the_processor_of_the_folder_wins(checkpoint: Path, tmp_path: Path) -> None:
    ArganImageProcessor(num_channels=1, do_pad=False).save_pretrained(checkpoint)
    stage(checkpoint, "me/net", tmp_path / "out", onnx=False)
    assert json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())["do_pad"] is False


def test_the_realism_variant_goes_along_and_the_card_says_so(checkpoint: Path, tmp_path: Path) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    save_file(
        {name: w + 0.01 for name, w in weights.items()}, checkpoint / "model.realism.safetensors", {"format": "pt"}
    )
    stage(checkpoint, "me/net", tmp_path / "out", onnx=False)
    copied = tmp_path / "out" / "model.realism.safetensors"
    assert copied.read_bytes() == (checkpoint / copied.name).read_bytes()
    assert 'variant="realism"' in (tmp_path / "out" / "README.md").read_text()
    assert JpegRestorer.from_pretrained(tmp_path / "out", device="cpu").model_at(1.0)
    (checkpoint / copied.name).write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"model\.realism\.safetensors .* is cut short or damaged"):
        stage(checkpoint, "me/net", tmp_path / "other", onnx=False)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_an_incomplete_checkpoint_is_named(checkpoint: Path, tmp_path: Path, missing: str) -> None:
    (checkpoint / missing).unlink()
    with pytest.raises(ValueError, match=rf"is no checkpoint, it lacks {missing}"):
        stage(checkpoint, "me/net", tmp_path / "out", onnx=False)


def test_weights_that_do_not_belong_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    path = checkpoint / "model.safetensors"
    weights = load_file(path)
    save_file({**weights, "stray": torch.zeros(1)}, path, {"format": "pt"})
    with pytest.raises(ValueError, match=r"does not belong to its config\.json: stray"):
        stage(checkpoint, "me/net", tmp_path / "out", onnx=False)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="is cut short or damaged"):
        stage(checkpoint, "me/net", tmp_path / "out", onnx=False)


def test_an_impossible_id_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Repo id must"):
        stage(checkpoint, "a/b/c", tmp_path)


def test_without_the_libraries_for_onnx_both_remedies_are_named(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argan_hf.export.onnx_libraries.find_spec", lambda name: None)
    remedies = r'`pip install "argan-hf\[onnx\]"`, or publish without ONNX files \(--no-onnx\)'
    with pytest.raises(ImportError, match=remedies):
        stage(checkpoint, "me/net", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    stage(checkpoint, "me/net", tmp_path / "out", onnx=False)
    assert not (tmp_path / "out" / "onnx").exists()
    assert "onnx" not in (tmp_path / "out" / "README.md").read_text()
