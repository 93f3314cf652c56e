import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from argan_hf.evaluation.results import Results
from argan_hf.evaluation.scores import PictureScore

SCORE = PictureScore(
    method="jpeg",
    quality=10,
    psnr=27.77,
    psnr_b=25.3,
    ssim_gaussian=0.77,
    ssim_uniform=0.79,
    high_frequency=0.8,
    seconds_per_megapixel=0.1,
    vif=0.4,
    picture="a.png",
)
RESULTS = Results("LIVE1", "luma", (SCORE,))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    RESULTS.write(tmp_path / "a.json")
    assert Results.read(tmp_path / "a.json") == RESULTS


def test_lives_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = Results("LIVE1", "rgb", (replace(SCORE, quality=None, life="20>90"),))
    results.write(tmp_path / "a.json")
    assert Results.read(tmp_path / "a.json") == results


def test_files_from_before_there_were_lives_are_read(tmp_path: Path) -> None:
    row = {name: value for name, value in vars(SCORE).items() if name != "life"}
    (tmp_path / "a.json").write_text(json.dumps({"data": "LIVE1", "protocol": "luma", "scores": [row]}))
    assert Results.read(tmp_path / "a.json") == RESULTS


def _written(change: dict[str, Any]) -> str:
    score = {**vars(SCORE), **change.pop("score", {})}
    return json.dumps({"data": "LIVE1", "protocol": "luma", "scores": [score], **change})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "Expecting property name"),
        (json.dumps([vars(SCORE)]), "a.json is no file written by `argan evaluate --json`"),
        (json.dumps({"data": "LIVE1", "protocol": "luma"}), "'scores' is missing"),
        (_written({"protocol": "hdr"}), "protocol must be one of luma, rgb, found 'hdr'"),
        (_written({"scores": []}), "it holds no scores"),
        (_written({"score": {"psnr": "27"}}), "psnr must be a number, found '27'"),
        (_written({"score": {"quality": "10"}}), "quality must be a number, found '10'"),
        (
            _written({"score": {"quality": None}}),
            "a score is of a quality or of a life, found quality None and life None",
        ),
        (_written({"score": {"life": "20>90"}}), "found quality 10 and life 20>90"),
        (_written({"score": {"quality": None, "life": 20}}), "life must be a text, found 20"),
        (_written({"score": {"lpips": 1.0}}), "unexpected keyword argument 'lpips'"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match="is no file written by") as caught:
        Results.read(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
