from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.evaluation.lives import Life
from argan_hf.evaluation.methods import Method, load_method
from argan_hf.evaluation.protocol import degrade_planes, evaluate, find_pictures, read_luma, read_rgb
from argan_hf.evaluation.scores import mean_scores
from argan_hf.jpeg import UnreadableImageError, read_jpeg, rgb_to_studio_luma
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import deep_files, jpeg_bytes, scramble


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo.save(folder / "b.png")
    photo.crop((0, 0, 64, 48)).save(folder / "a.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_pictures_are_found_in_order(folder: Path) -> None:
    assert [path.name for path in find_pictures(folder)] == ["a.png", "b.png"]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder with pictures"):
        find_pictures(tmp_path)


@pytest.mark.parametrize("read", [read_luma, read_rgb])
@pytest.mark.parametrize(("name", "data"), deep_files().items(), ids=deep_files())
def test_sixteen_bits_are_refused_and_not_clipped_to_white(
    tmp_path: Path, read: Callable[[Path], torch.Tensor], name: str, data: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert find_pictures(tmp_path) == [path]
    with pytest.raises(
        UnreadableImageError, match=rf"{name}: a (PNG|PPM|TIFF) with (16 bits per channel|pixels of mo)"
    ):
        read(path)


def test_gray_is_taken_as_it_is_and_color_as_studio_luma(folder: Path, photo: Image.Image) -> None:
    photo.convert("L").save(folder / "gray.png")
    assert torch.equal(read_luma(folder / "gray.png")[0, 0], torch.from_numpy(np.array(photo.convert("L"))))
    assert torch.equal(read_luma(folder / "b.png")[0], rgb_to_studio_luma(image_to_tensor(photo)))
    with pytest.raises(ValueError, match=r"gray\.png is gray; the rgb protocol needs color"):
        read_rgb(folder / "gray.png")


def test_the_rgb_protocol_compresses_as_pillow_does(photo: Image.Image) -> None:
    planes, tables = degrade_planes(image_to_tensor(photo)[None], 30, "rgb")
    file = read_jpeg(jpeg_bytes(photo, quality=30))
    assert torch.equal(planes, file.planes)
    assert torch.equal(tables, file.tables)


@pytest.mark.parametrize("protocol", ["luma", "rgb"])
def test_scores_have_a_row_for_everything_and_repeat(folder: Path, protocol: str) -> None:
    blur = Method("blur", lambda planes, tables, quality, blocks: planes.float() * 0.98)
    methods = [load_method("jpeg", [40, 10]), blur]
    ticks: list[int] = []
    scores, again = (
        evaluate(methods, find_pictures(folder), [40, 10], protocol=protocol, progress=lambda: ticks.append(1))
        for _ in range(2)
    )
    assert len(scores) == 8
    assert len(ticks) == 16
    assert [score.psnr for score in scores] == [score.psnr for score in again]
    means = mean_scores(scores)
    assert [(mean.quality, mean.method) for mean in means] == [(10, "jpeg"), (10, "blur"), (40, "jpeg"), (40, "blur")]
    expected = [score.psnr for score in scores if (score.quality, score.method) == (10, "jpeg")]
    assert means[0].psnr == pytest.approx(sum(expected) / 2)
    assert means[0].psnr > means[1].psnr


@pytest.mark.parametrize("protocol", ["luma", "rgb"])
@pytest.mark.parametrize("option", ["", "+blind", "+faithful", "+quality=50"])
def test_a_life_of_one_save_scores_as_its_quality(
    folder: Path, residual_config: ArganConfig, tmp_path: Path, protocol: str, option: str
) -> None:
    if protocol == "luma":
        residual_config = ArganConfig(**{**residual_config.to_dict(), "num_channels": 1})
    scramble(ArganForImageRestoration(residual_config)).save_pretrained(tmp_path / "net")
    methods = [load_method("jpeg", [20]), load_method(f"{tmp_path}/net{option}", [20])]
    plain, lived = (
        evaluate(methods, find_pictures(folder), [degradation], protocol=protocol)
        for degradation in (20, Life.parse("20"))
    )
    assert [(score.quality, score.life) for score in lived] == [(None, "20")] * 4
    for one, other in zip(plain, lived, strict=True):
        same = {"quality": None, "life": "20", "seconds_per_megapixel": other.seconds_per_megapixel}
        assert replace(one, **same) == other


@pytest.mark.parametrize("protocol", ["luma", "rgb"])
def test_pictures_are_compared_with_originals_of_the_same_size(folder: Path, protocol: str) -> None:
    lives = [Life.parse(text) for text in ("30>90", "x0.5", "30>webp90", "png", "30>n2>png")]
    scores = evaluate([load_method("jpeg", [])], find_pictures(folder), lives, protocol=protocol)
    means = {mean.life: mean.psnr for mean in mean_scores(scores)}
    assert list(means) == [life.text for life in lives]
    assert means["x0.5"] == means["png"] == float("inf")
    assert 25 < means["30>90"] < 45
    # Of a gray picture WebP keeps 220 levels, so even at quality 90 it costs a little.
    assert abs(means["30>webp90"] - means["30>90"]) < 1
    # Every pixel stands four times in both pictures.
    plain = mean_scores(evaluate([load_method("jpeg", [])], find_pictures(folder), [30], protocol=protocol))
    assert means["30>n2>png"] == pytest.approx(plain[0].psnr, abs=1e-4)


def test_a_quality_out_of_range_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"1\.\.100, found \[0\]"):
        evaluate([load_method("jpeg", [0])], find_pictures(folder), [0])


def test_what_people_see_is_scored_where_asked_for(folder: Path) -> None:
    methods, pictures = [load_method("jpeg", [90, 10])], find_pictures(folder)
    scores = mean_scores(evaluate(methods, pictures, [90, 10], perceptual=["ssimulacra2"]))
    assert [score.vif for score in scores] == [None, None]
    assert scores[0].ssimulacra2 is not None
    assert scores[1].ssimulacra2 is not None
    assert scores[1].ssimulacra2 > scores[0].ssimulacra2
