"""Graphics drawn by a program."""

import random

import numpy as np
import pytest
from PIL import Image

from argan_hf.graphics import KINDS, draw_any_graphic, draw_graphic, lettering, put_caption
from argan_hf.graphics.lettering import draw_font, draw_words, letter_mask, put_letters


@pytest.fixture(autouse=True)
def _only_the_font_within_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines have different fonts, and some have none."""
    monkeypatch.setattr(lettering, "font_files", lambda mono=False: ())


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_picture(kind: str) -> None:
    first, again, other = (draw_graphic(kind, seed, 96) for seed in (1, 1, 2))
    assert (first.mode, first.size) == ("RGB", (96, 96))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_any_graphic_is_of_any_kind() -> None:
    pictures = [draw_any_graphic(seed, 64).tobytes() for seed in range(60)]
    assert len(set(pictures)) == 60
    assert draw_any_graphic(3, 64).tobytes() == pictures[3]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of text, "):
        draw_graphic("photograph", 0, 64)
    with pytest.raises(ValueError, match="at least 64 pixels, found 63"):
        draw_graphic("text", 0, 63)


def test_bilevel_letters_have_no_gray_and_smooth_ones_have() -> None:
    font = draw_font(random.Random(0), 20)
    assert set(np.unique(letter_mask("Water", font, "bilevel"))) == {0, 255}
    assert len(np.unique(letter_mask("Water", font, "gray"))) > 20


def test_letters_for_subpixels_cover_as_much_as_smooth_ones() -> None:
    font = draw_font(random.Random(0), 24)
    thirds, smooth = (np.asarray(letter_mask("Hillside", font, style), dtype=float) for style in ("subpixel", "gray"))
    assert thirds.shape[2] == 3
    assert abs(thirds.shape[1] - smooth.shape[1]) <= 2
    assert thirds.mean(2).sum() == pytest.approx(smooth.sum(), rel=0.1)
    assert np.abs(thirds[..., 0] - thirds[..., 2]).max() > 60  # the edges are colored
    picture = Image.new("RGB", (100, 40), "white")
    put_letters(picture, (5, 5), letter_mask("Hillside", font, "subpixel"), (0, 0, 0))
    drawn = np.asarray(picture)[5 : 5 + thirds.shape[0], 5 : 5 + min(thirds.shape[1], 95)]
    assert np.abs(255 - thirds[:, : drawn.shape[1]] - drawn).max() <= 1


def test_pixel_art_is_made_of_squares_and_most_of_it_lies_on_their_grid() -> None:
    flat = 0
    for seed in range(20):
        draws = np.asarray(draw_graphic("mosaic", seed, 96)).astype(int)
        steps = np.abs(np.diff(draws, axis=1)).sum((0, 2)) > 0
        flat += not steps[0] and not steps[2]
    assert flat >= 10


def test_a_caption_changes_a_part_of_a_photograph() -> None:
    photo = Image.effect_noise((200, 150), 30).convert("RGB")
    before = np.asarray(photo).copy()
    put_caption(random.Random(4), photo)
    changed = (np.asarray(photo) != before).any(2).mean()
    assert 0.003 < changed < 0.8


def test_words_are_about_as_long_as_asked() -> None:
    for code in (False, True):
        lengths = [len(draw_words(random.Random(seed), 30, code=code)) for seed in range(40)]
        assert min(lengths) >= 25
        assert max(lengths) < 50
