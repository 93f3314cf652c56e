import sys
from collections.abc import Callable

import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.evaluation.perceptual import ssimulacra2, visual_information_fidelity
from argan_hf.jpeg import compress
from argan_hf.jpeg.file import image_to_tensor

METRICS = (ssimulacra2, visual_information_fidelity)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_scores_fall_with_the_quality(metric: Callable[[Tensor, Tensor], float], mode: str, photo: Image.Image) -> None:
    original = image_to_tensor(photo.convert(mode))[None]
    scores = [metric(compress(original, quality), original) for quality in (90, 50, 10)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


def test_equal_pictures_are_perfect(photo: Image.Image) -> None:
    original = image_to_tensor(photo)[None]
    assert ssimulacra2(original, original) == 100.0
    assert visual_information_fidelity(original, original) == pytest.approx(1.0, abs=1e-6)


def test_tiny_pictures_are_scored() -> None:
    original = torch.randint(0, 256, (1, 1, 16, 9), dtype=torch.uint8)
    assert visual_information_fidelity(255 - original, original) < 0.9
    assert ssimulacra2(255 - original, original) < 90


@pytest.mark.parametrize(
    ("metric", "module"),
    [(ssimulacra2, "ssimulacra2"), (visual_information_fidelity, "torchmetrics.functional.image")],
)
def test_the_extra_is_named_where_it_is_missing(
    metric: Callable[[Tensor, Tensor], float], module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    picture = torch.zeros(1, 1, 48, 48, dtype=torch.uint8)
    with pytest.raises(ImportError, match=r"pip install ssimulacra2 torchmetrics`.*\.\[perceptual\]"):
        metric(picture, picture)
