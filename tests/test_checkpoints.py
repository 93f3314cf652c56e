"""Every checkpoint inside the wheel loads, is small, and does what it was trained for."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from argan_hf.checkpoint_files import CHECKPOINTS, weights_name
from argan_hf.defaults import REALISM_VARIANT
from argan_hf.evaluation.metrics import high_frequency_ratio, psnr
from argan_hf.evaluation.protocol import read_luma
from argan_hf.jpeg import compress, quantization_tables
from argan_hf.jpeg.color import to_uint8
from argan_hf.restoration import JpegRestorer

FOLDERS = sorted(path for path in CHECKPOINTS.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_checkpoint_improves_what_it_was_trained_for(folder: Path, tmp_path: Path, photo: Image.Image) -> None:
    _, _, quality = folder.name.rpartition("-q")
    quality = int(quality) if quality.isdigit() else 10
    photo.save(tmp_path / "photo.png")
    original = read_luma(tmp_path / "photo.png")
    degraded = compress(original, quality)
    restorer = JpegRestorer.from_pretrained(folder.name, device="cpu")
    restored = to_uint8(restorer.restore_planes(degraded[0].float(), quantization_tables(quality)[:1]))[None]
    assert float(psnr(restored, original) - psnr(degraded, original)) > 0.4


def test_realism_is_texture_and_costs_what_it_must(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "photo.png")
    original = read_luma(tmp_path / "photo.png")
    restorer = JpegRestorer.from_pretrained(device="cpu")
    for quality in (10, 40):
        degraded = compress(original, quality)
        results = [
            to_uint8(restorer.restore_planes(degraded[0].float(), quantization_tables(quality)[:1], realism=position))
            for position in (0.0, 0.5, 1.0)
        ]
        texture = [float(high_frequency_ratio(result[None], original)) for result in results]
        scores = [float(psnr(result[None], original)) for result in results]
        assert texture == sorted(texture)
        assert texture[2] - texture[0] > 0.07
        assert scores == sorted(scores, reverse=True)
        assert scores[0] - scores[2] < 1.0
    pristine = to_uint8(restorer.restore_planes(original[0].float(), realism=1.0))[None]
    assert float(psnr(pristine, original)) > 45


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_checkpoint_holds_what_the_wheel_needs_and_no_more(folder: Path) -> None:
    needed = {"config.json", "model.safetensors", "preprocessor_config.json"}
    # What the card says about the training pictures and their licenses stays with the weights.
    assert (
        needed
        <= {path.name for path in folder.iterdir()}
        <= needed | {"training_data.md", weights_name(REALISM_VARIANT)}
    )
    assert all(path.stat().st_size < 16 * 2**20 for path in folder.glob("*.safetensors"))
    # The wheel holds the code; a map to copies of it would make transformers ask for trust.
    for name in ("config.json", "preprocessor_config.json"):
        assert "auto_map" not in json.loads((folder / name).read_text())
    weights = JpegRestorer.from_pretrained(folder.name, device="cpu").model.state_dict()
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert {tensor.dtype for tensor in weights.values() if tensor.is_floating_point()} == {torch.float32}
