from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.evaluation import evaluate_luma, find_pictures, mean_rows, read_luma
from argan_hf.jpeg import rgb_to_studio_luma
from argan_hf.jpeg.file import image_to_tensor

LIVE1 = Path(__file__).parents[2] / "shared" / "data" / "test" / "live1"


@pytest.fixture
def identity(residual_config: ArganConfig) -> JpegRestorer:
    return JpegRestorer(ArganForImageRestoration(residual_config), device="cpu")


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    photo.save(tmp_path / "b.png")
    photo.convert("L").save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_found_in_order(folder: Path) -> None:
    assert [path.name for path in find_pictures(folder)] == ["a.png", "b.png"]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder with pictures"):
        find_pictures(tmp_path)


def test_gray_is_taken_as_it_is_and_color_as_studio_luma(folder: Path, photo: Image.Image) -> None:
    assert torch.equal(read_luma(folder / "a.png")[0, 0], torch.from_numpy(np.array(photo.convert("L"))))
    assert torch.equal(read_luma(folder / "b.png")[0], rgb_to_studio_luma(image_to_tensor(photo)))


def test_a_restorer_that_does_nothing_scores_what_the_jpeg_scores(identity: JpegRestorer, folder: Path) -> None:
    ticks: list[int] = []
    scores = evaluate_luma(identity, find_pictures(folder), [40, 10], progress=lambda: ticks.append(1))
    assert len(scores) == len(ticks) == 4
    assert all(score.jpeg_psnr == score.restored_psnr for score in scores)
    rows = mean_rows(scores)
    assert [row[0] for row in rows] == [10, 40]
    assert rows[0][1] == pytest.approx(sum(s.jpeg_psnr for s in scores if s.quality == 10) / 2, abs=1e-5)


@pytest.mark.skipif(not LIVE1.is_dir(), reason="needs the LIVE1 pictures")
def test_jpeg_on_live1_scores_what_the_literature_prints(identity: JpegRestorer) -> None:
    rows = mean_rows(evaluate_luma(identity, find_pictures(LIVE1), [10, 40]))
    assert [round(jpeg, 3) for _, jpeg, _ in rows] == [27.770, 32.355]
