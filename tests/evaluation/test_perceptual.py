import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from ssimulacra2 import compute_ssimulacra2
from torch import Tensor
from torchmetrics.functional.image import visual_information_fidelity as vif

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


def test_a_small_picture_is_worth_what_its_own_continuation_is_worth(photo: Image.Image) -> None:
    # Its last row and column go on beyond the border; a black frame would hide what was lost.
    original = image_to_tensor(photo.convert("L"))[None, :, 50:80, 60:85]
    restored = compress(original, 10)
    rows, columns = torch.arange(41).clamp(max=29), torch.arange(41).clamp(max=24)
    grown = [picture[:, :, rows][..., columns] for picture in (restored, original)]
    assert visual_information_fidelity(restored, original) == visual_information_fidelity(*grown)
    assert visual_information_fidelity(*grown) == float(vif(*(picture.float() for picture in grown)))


def test_more_contrast_than_the_original_has_is_more_than_all_of_its_information(photo: Image.Image) -> None:
    original = image_to_tensor(photo.convert("L"))[None] // 2 + 64
    stronger = ((original.float() - 128) * 1.3 + 128).to(torch.uint8)
    assert visual_information_fidelity(stronger, original) > 1.1
    assert visual_information_fidelity(original, stronger) < 1.0


def test_ssimulacra2_takes_the_original_first(photo: Image.Image, tmp_path: Path) -> None:
    original = image_to_tensor(photo)[None]
    restored = compress(original, 20)
    paths = [tmp_path / "original.png", tmp_path / "restored.png"]
    for path, picture in zip(paths, (original, restored), strict=True):
        Image.fromarray(picture[0].permute(1, 2, 0).numpy()).save(path)
    score = ssimulacra2(restored, original)
    assert score == compute_ssimulacra2(*map(str, paths))
    assert score != compute_ssimulacra2(*map(str, paths[::-1]))


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
