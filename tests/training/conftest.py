"""What tests of whole training runs share."""

import json
from pathlib import Path

import pytest
import torch

from argan_hf import ArganForImageRestoration


@pytest.fixture
def arguments(picture_parquet: str, tmp_path: Path) -> dict[str, object]:
    """Those of a run of six steps, adversarial from the third one on."""
    return {
        "dataset_name": "parquet",
        "data_files": [picture_parquet],
        "reservoir_mib": 8,
        "slot_size": 256,
        "output_dir": str(tmp_path / "run"),
        "model": json.dumps({"hidden_sizes": [4, 8]}),
        "crop_size": 64,
        "train_batch_size": 4,
        "max_train_steps": 6,
        "lr_scheduler": "cosine",
        "adversarial_start_step": 2,
        "validation_steps": 3,
        "validation_pictures": 2,
        "checkpointing_steps": 3,
        "logging_steps": 1,
    }


def exported_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights that a run left behind."""
    return ArganForImageRestoration.from_pretrained(folder).state_dict()
