"""Pages of text: smooth, of two levels, for subpixels, colored, rotated; and captions over photographs (memes)."""

import random

from PIL import Image

from .canvas import BLACK, WHITE, Color, any_color, any_place, contrasting_colors, paper_and_ink
from .lettering import draw_font, draw_words, letter_mask, put_letters

_STYLES = ("gray", "bilevel", "subpixel")
_CAPTION_COLORS = (WHITE, WHITE, WHITE, BLACK, (255, 255, 0))


def smooth_text(draws: random.Random, side: int) -> Image.Image:
    """Text with smooth edges on a page."""
    return _page(draws, side, *paper_and_ink(draws), "gray")


def bilevel_text(draws: random.Random, side: int) -> Image.Image:
    """Text without smooth edges: two colors and nothing between them, as on old screens and in scans."""
    return _page(draws, side, *paper_and_ink(draws), "bilevel")


def subpixel_text(draws: random.Random, side: int) -> Image.Image:
    """Text with the colored edges that liquid crystal screens make sharp."""
    return _page(draws, side, *paper_and_ink(draws), "subpixel")


def colored_text(draws: random.Random, side: int) -> Image.Image:
    """Colored text on fields of color; some lines are as bright as their ground and differ in color alone."""
    picture = Image.new("RGB", (side, side), any_color(draws))
    row = 0
    while row < side:
        height = draws.randint(side // 16, side // 3)
        ground, ink = contrasting_colors(draws, draws.choice((0, 20, 60)))
        picture.paste(ground, (0, row, side, row + height))
        size = min(draws.randint(9, 48), height)
        _write(draws, picture, (4, row, side, row + height), size, ink, draws.choice(_STYLES))
        row += height
    return picture


def rotated_text(draws: random.Random, side: int) -> Image.Image:
    """Smooth text at any angle."""
    paper, ink = contrasting_colors(draws)
    page = _page(draws, side * 3 // 2, paper, ink, "gray")
    turned = page.rotate(draws.uniform(-180, 180), Image.Resampling.BICUBIC, fillcolor=paper)
    start = side // 4
    return turned.crop((start, start, start + side, start + side))


def put_caption(draws: random.Random, photograph: Image.Image) -> None:
    """Write over a photograph, as memes and subtitles do; the RGB picture is changed."""
    width, height = photograph.size
    for _ in range(draws.randint(1, 3)):
        size = max(draws.randint(min(width, height) // 24, min(width, height) // 7), 10)
        font = draw_font(draws, size)
        mask = letter_mask(draw_words(draws, draws.randint(4, 26)), font, draws.choice(_STYLES[:2]))
        place = any_place(draws, max(width - mask.width // 2, 1)), any_place(draws, max(height - size, 1))
        ink = draws.choice((*_CAPTION_COLORS, any_color(draws)))
        kind = draws.random()
        if kind < 0.5:  # letters with an outline
            outline = BLACK if sum(ink) > 380 else WHITE
            reach = max(size // 14, 1)
            for across in (-reach, 0, reach):
                for down in (-reach, 0, reach):
                    put_letters(photograph, (place[0] + across, place[1] + down), mask, outline)
        elif kind < 0.7:  # letters on a box
            box = (place[0] - 6, place[1] - 6, place[0] + mask.width + 6, place[1] + mask.height + 6)
            photograph.paste(BLACK if sum(ink) > 380 else WHITE, box)
        put_letters(photograph, place, mask, ink)


def _page(draws: random.Random, side: int, paper: Color, ink: Color, style: str) -> Image.Image:
    picture = Image.new("RGB", (side, side), paper)
    row = draws.randrange(16)
    while row < side:
        size = draws.choice((draws.randint(7, 16), draws.randint(9, 24), draws.randint(14, 60)))
        rows = draws.randint(1, 8) * size * 5 // 4
        color = ink if draws.random() < 0.85 else any_color(draws)
        _write(draws, picture, (draws.randrange(24), row, side, row + rows), size, color, style)
        row += rows + draws.randint(0, 2 * size)
    return picture


def _write(
    draws: random.Random, picture: Image.Image, box: tuple[int, int, int, int], size: int, ink: Color, style: str
) -> None:
    """Lines of one font in a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    font, pitch = draw_font(draws, size), size * draws.choice((6, 6, 7, 8)) // 5
    for row in range(top, bottom - size + 1, pitch):
        length = max((right - left) * draws.randint(10, 30) // (10 * size), 2)
        put_letters(picture, (left, row), letter_mask(draw_words(draws, length), font, style), ink)
