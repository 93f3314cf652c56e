from pathlib import Path

import pytest

from argan_hf.cli.jobs import Job, plan_jobs
from argan_hf.cli.sources import STREAM


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "fotos ü"
    for name in (
        "b.JPG",
        "a.png",
        "notes.txt",
        ".hidden.jpg",
        ".argan-x.part",
        "日/c.webp",
        ".cache/d.jpg",
        "日/é/e.tif",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def _plan(*inputs: Path, output: Path | None = None, recursive: bool = False, suffix: str = ".png") -> list[Job]:
    return plan_jobs(list(inputs), output, recursive=recursive, suffix=suffix)[0]


def test_a_folder_gives_its_visible_pictures_by_name(tree: Path) -> None:
    assert [job.source.name for job in _plan(tree)] == ["a.png", "b.JPG"]
    assert [job.target for job in _plan(tree)] == [tree / "a-restored.png", tree / "b-restored.png"]


def test_recursion_keeps_the_tree(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs = _plan(tree, output=out, recursive=True, suffix=".webp")
    assert [job.target for job in jobs] == [out / "a.webp", out / "b.webp", out / "日/c.webp", out / "日/é/e.webp"]


@pytest.mark.parametrize("inside", [None, "out"])
def test_results_of_an_earlier_run_are_no_inputs(tree: Path, inside: str | None) -> None:
    output = None if inside is None else tree / inside
    jobs = _plan(tree, output=output, recursive=True)
    for job in jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.touch()
    assert _plan(tree, output=output, recursive=True) == jobs


def test_a_named_file_is_tried_whatever_its_name(tree: Path, tmp_path: Path) -> None:
    odd = [tree / "notes.txt", tree / ".hidden.jpg", tmp_path / "missing"]
    assert [job.source for job in _plan(*odd, output=tmp_path / "out")] == odd


def test_a_single_picture_may_get_a_name(tree: Path, tmp_path: Path) -> None:
    assert _plan(tree / "a.png", output=tmp_path / "x.tiff") == [Job(tree / "a.png", tmp_path / "x.tiff")]
    assert _plan(tree / "a.png", output=tmp_path / "x") == [Job(tree / "a.png", tmp_path / "x" / "a.png")]


def test_a_stream_goes_to_a_stream_unless_a_file_is_named(tree: Path, tmp_path: Path) -> None:
    assert _plan(STREAM) == [Job(STREAM, STREAM)]
    assert _plan(STREAM, output=tmp_path / "x.png") == [Job(STREAM, tmp_path / "x.png")]
    assert _plan(tree / "a.png", output=STREAM) == [Job(tree / "a.png", STREAM)]


def test_what_cannot_be_meant_is_refused(tree: Path, tmp_path: Path) -> None:
    twin = tree / "a.jpg"
    twin.touch()
    for arguments, words in [
        ({"inputs": [tree], "output": tmp_path / "x.png"}, "name of one picture, but several"),
        ({"inputs": [twin], "output": tmp_path / "x.gif"}, ".gif is no picture format to write"),
        ({"inputs": [twin], "output": tmp_path / "x.docx"}, ".docx is no picture format to write"),
        ({"inputs": [STREAM, twin]}, "takes one picture"),
        ({"inputs": [tree], "output": STREAM}, "takes one picture"),
    ]:
        with pytest.raises(ValueError, match=words):
            plan_jobs(arguments["inputs"], arguments.get("output"), recursive=False, suffix=".png")


def test_a_file_given_twice_is_restored_once(tree: Path) -> None:
    assert len(_plan(tree, tree / "a.png", tree)) == 2
