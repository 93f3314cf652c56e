"""No two results alike on any disk, and the same result for a picture in every run."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argan_hf.cli.result_names import result_paths
from argan_hf.cli.sources import Source

ROOT, OUT = Path("in"), Path("out")


def _results(*names: str, output: Path | None = OUT, suffix: str = ".png") -> list[str]:
    sources = [Source(ROOT / name, ROOT) for name in names]
    return [path.as_posix() for path in result_paths(sources, output, suffix)]


def test_a_result_has_the_relative_path_of_its_source() -> None:
    assert _results("a.jpg", "sub/b.JPG", suffix=".webp") == ["out/a.webp", "out/sub/b.webp"]


@pytest.mark.parametrize("output", [None, ROOT])
def test_a_result_beside_its_source_can_be_known(output: Path | None) -> None:
    expected = ["in/a-restored.png", "in/sub/b-restored.png", "in/sub/b.c-restored.png"]
    assert _results("a.jpg", "sub/b.png", "sub/b.c.png", output=output) == expected


def test_results_of_one_stem_get_the_whole_names_of_their_sources() -> None:
    assert _results("a.jpg", "a.png", "b.jpg") == ["out/a.jpg.png", "out/a.png.png", "out/b.png"]
    assert _results("a.jpg", "a.png", output=None) == ["in/a.jpg-restored.png", "in/a.png-restored.png"]
    # The whole name of one is the stem of another.
    first, second, third = _results("a.jpg", "a.png", "a.png.tif")
    assert first == "out/a.jpg.png"
    assert second.startswith("out/a.png~")
    assert third == "out/a.png.tif.png"


def test_case_and_accents_make_no_two_results_one() -> None:
    composed, split = unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")
    for names in (("A.jpg", "a.jpg"), (composed, split), ("Sub/a.jpg", "sub/A.jpg"), ("straße.jpg", "STRASSE.jpg")):
        results = _results(*names)
        assert len({unicodedata.normalize("NFC", name).casefold() for name in results}) == 2
        assert results == [_results(*names[::-1])[1], _results(*names[::-1])[0]], "whatever the order"


def test_sources_of_two_folders_get_two_results() -> None:
    sources = [Source(Path("x/a.jpg"), Path("x")), Source(Path("y/a.jpg"), Path("y"))]
    first, second = result_paths(sources, OUT, ".png")
    assert first != second
    assert first.name.startswith("a.jpg~")


def test_a_folder_has_one_name_however_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    sources = [Source(tmp_path / name, (tmp_path / name).parent) for name in ("in/a.jpg", "link/a.png")]
    first, second = result_paths(sources, None, ".png")
    assert (first.name, second.name) == ("a.jpg-restored.png", "a.png-restored.png")


def test_a_result_that_was_written_is_not_that_of_another_picture() -> None:
    source = Source(ROOT / "a.jpg", ROOT)
    assert result_paths([source], OUT, ".png", {OUT / "a.png": ROOT / "a.jpg"}) == [OUT / "a.png"]
    assert result_paths([source], OUT, ".png", {OUT / "a.png": ROOT / "a.png"}) == [OUT / "a.jpg.png"]


def test_a_name_that_is_too_long_is_cut_and_stays_unique() -> None:
    long = ["n" * 251 + ".jpg", "n" * 250 + "m.jpg", "é" * 125 + ".tif"]
    for output in (OUT, None):
        results = _results(*long, output=output)
        assert len(set(results)) == 3
        for result in results:
            assert len(os.fsencode(Path(result).name)) <= 255
            assert "\ufffd" not in result
            assert result.endswith("-restored.png" if output is None else ".png")
    assert _results("n" * 251 + ".jpg") == ["out/" + "n" * 251 + ".png"]


@given(st.lists(st.text("aAé.jpgñ/~", min_size=1, max_size=6).filter(lambda name: "/" not in name), unique=True))
def test_no_two_results_are_one(stems: list[str]) -> None:
    names = [f"x{stem}{suffix}" for stem in stems for suffix in (".jpg", ".png", ".JPG")]
    results = _results(*names)
    assert len({unicodedata.normalize("NFC", name).casefold() for name in results}) == len(names)
