"""A saved folder must load where this package is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import pipeline

from argan_hf import ArganForImageRestoration, ArganImageProcessor

pytestmark = pytest.mark.slow

_SCRIPT = """
import copy, sys, torch
sys.modules["argan_hf"] = None  # an import of the package fails, as where it is not installed
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageToImage, pipeline
folder, sample, result = sys.argv[1:]
saved = torch.load(sample)
# Copies, because tensors in files are aligned differently, and kernels round by alignment.
planes = saved["planes"].clone()
model = AutoModelForImageToImage.from_pretrained(folder, trust_remote_code=True)
processor = AutoImageProcessor.from_pretrained(folder, trust_remote_code=True)
inputs = processor(saved["picture"], return_tensors="pt")
pipe = pipeline("jpeg-restoration", model=folder, trust_remote_code=True)
piped = pipe(sample + ".png")
batch = pipe([sample + ".png", open(sample + ".png", "rb")], batch_size=2, timeout=1)
torch.save({
    "reconstruction": copy.deepcopy(model)(planes).reconstruction,
    "auto": copy.deepcopy(AutoModel.from_pretrained(folder, trust_remote_code=True))(planes).reconstruction,
    "pixel_values": inputs["pixel_values"],
    "piped": piped.size,
    "batch": [picture.size for picture in batch],
    "module": type(model).__module__,
}, result)
"""


def test_a_clean_process_loads_a_saved_folder_to_equal_outputs(
    model: ArganForImageRestoration, tmp_path: Path, photo: Image.Image
) -> None:
    folder = tmp_path / "saved"
    processor = ArganImageProcessor(num_channels=model.config.num_channels)
    piped = pipeline("jpeg-restoration", model=model, image_processor=processor)
    piped.save_pretrained(folder)
    picture = torch.randint(0, 256, (model.config.num_channels, 19, 30), dtype=torch.uint8)
    planes = torch.rand(1, model.config.num_channels, 33, 20)
    torch.save({"planes": planes, "picture": picture}, tmp_path / "sample")
    photo.save(tmp_path / "sample.png")
    environment = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),  # kernels round by it
        "PATH": "/usr/bin:/bin",
    }
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(folder), str(tmp_path / "sample"), str(tmp_path / "result")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    result = torch.load(tmp_path / "result")
    assert result["module"].startswith("transformers_modules.")
    assert torch.equal(result["reconstruction"], model(planes).reconstruction)
    assert torch.equal(result["auto"], result["reconstruction"])
    assert torch.equal(result["pixel_values"], processor(picture, return_tensors="pt")["pixel_values"])
    assert result["piped"] == photo.size
    assert result["batch"] == [photo.size] * 2
