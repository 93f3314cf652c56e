"""Pictures of screens: windows of old and new desktops, editors, terminals, pages of the web."""

import random

from PIL import Image, ImageDraw

from .canvas import BLACK, WHITE, Color, any_color, any_place, brightness
from .lettering import draw_font, draw_words, letter_mask, put_letters
from .pixels import gradient, pixel_art

_FACE: Color = (192, 192, 192)
_LIGHT: Color = (223, 223, 223)
_SHADE: Color = (128, 128, 128)
Box = tuple[int, int, int, int]


def _line(draws: random.Random, picture: Image.Image, place: tuple[int, int], size: int, ink: Color, style: str) -> int:
    """A few words; returns the column behind them."""
    mask = letter_mask(draw_words(draws, draws.randint(2, 18)), draw_font(draws, size), style)
    put_letters(picture, place, mask, ink)
    return place[0] + mask.width


def _bevel(draw: ImageDraw.ImageDraw, box: Box, *, sunken: bool, fill: Color = _FACE) -> None:
    """A box with edges of light and shade, as on old desktops."""
    left, top, right, bottom = box
    draw.rectangle(box, fill)
    upper, lower = (_SHADE, WHITE) if sunken else (WHITE, BLACK)
    draw.line((left, bottom, left, top, right, top), upper)
    draw.line((left, bottom, right, bottom, right, top), lower)
    inner = (left + 1, bottom - 1, right - 1, bottom - 1, right - 1, top + 1)
    draw.line(inner, _LIGHT if sunken else _SHADE)


def _box(draws: random.Random, side: int, grid: int) -> Box:
    left, top = (any_place(draws, side, grid) - side // 4 // grid * grid for _ in range(2))
    width, height = (draws.randint(side // 3, side) // grid * grid for _ in range(2))
    return left, top, left + width, top + height


def old_desktop(draws: random.Random, side: int) -> Image.Image:
    """Gray windows with bevels, a title in color, buttons, fields, and text of two levels."""
    picture = Image.new("RGB", (side, side), draws.choice(((0, 128, 128), (58, 110, 165), _SHADE, any_color(draws))))
    draw, style = ImageDraw.Draw(picture), draws.choice(("bilevel", "bilevel", "gray"))
    grid = draws.choice((1, 1, 2, 8))
    for _ in range(draws.randint(3, 6)):
        left, top, right, bottom = _box(draws, side, grid)
        _bevel(draw, (left, top, right, bottom), sunken=False)
        title: Color = draws.choice(((0, 0, 128), _SHADE, any_color(draws)))
        draw.rectangle((left + 3, top + 3, right - 3, top + 20), title)
        _line(draws, picture, (left + 6, top + 5), 12, WHITE if brightness(title) < 150 else BLACK, style)
        for number in range(3):
            button = right - 20 - 16 * number
            _bevel(draw, (button, top + 5, button + 14, top + 18), sunken=False)
        row = top + 26
        while row < bottom - 16:
            kind, column = draws.random(), left + draws.randrange(6, 40)
            if kind < 0.35:
                _bevel(draw, (column, row, column + draws.randint(40, 110), row + 22), sunken=False)
                _line(draws, picture, (column + 6, row + 5), 11, BLACK, style)
            elif kind < 0.6:
                _bevel(draw, (column, row, max(right - 8, column + 24), row + 20), sunken=True, fill=WHITE)
                _line(draws, picture, (column + 4, row + 4), 12, BLACK, style)
            elif kind < 0.7:
                icon = pixel_art(draws, 32)
                picture.paste(icon, (column, row))
                _line(draws, picture, (column + 38, row + 8), 11, BLACK, style)
            else:
                _line(draws, picture, (column, row + 2), draws.choice((11, 12, 13)), BLACK, style)
            row += draws.choice((18, 24, 30, 40)) // grid * grid or 24
    return picture


def new_desktop(draws: random.Random, side: int) -> Image.Image:
    """Flat windows with round corners on a soft or dark ground, with buttons of color, switches and cards."""
    dark = draws.random() < 0.4
    picture = gradient(draws, side) if draws.random() < 0.6 else Image.new("RGB", (side, side), any_color(draws))
    draw, style = ImageDraw.Draw(picture), draws.choice(("gray", "gray", "subpixel"))
    ink: Color = (230, 230, 235) if dark else (32, 33, 36)
    faint: Color = (62, 64, 72) if dark else (232, 234, 240)
    accent = any_color(draws)
    for _ in range(draws.randint(2, 5)):
        left, top, right, bottom = _box(draws, side, draws.choice((1, 8)))
        surface: Color = (32, 33, 38) if dark else WHITE
        draw.rounded_rectangle((left, top, right, bottom), draws.choice((0, 4, 10)), surface, outline=faint)
        draw.rectangle((left + 1, top + 10, right - 1, top + 34), faint)
        _line(draws, picture, (left + 12, top + 14), 13, ink, style)
        row = top + 44
        while row < bottom - 24:
            kind, column = draws.random(), left + 14
            if kind < 0.25:
                width = draws.randint(50, 130)
                draw.rounded_rectangle((column, row, column + width, row + 24), 5, accent)
                over = WHITE if brightness(accent) < 150 else BLACK
                _line(draws, picture, (column + 8, row + 5), 12, over, style)
            elif kind < 0.4:
                draw.rounded_rectangle((column, row, column + 34, row + 18), 9, accent)
                draw.ellipse((column + 18, row + 2, column + 32, row + 16), WHITE)
                _line(draws, picture, (column + 44, row + 2), 13, ink, style)
            elif kind < 0.5:
                draw.line((column, row, right - 14, row), faint)
            else:
                _line(draws, picture, (column, row), draws.choice((11, 12, 13, 15, 20)), ink, style)
            row += draws.choice((20, 28, 34))
    return picture


def editor(draws: random.Random, side: int) -> Image.Image:
    """Lines of a program, colored by their syntax, with line numbers; or a terminal."""
    paper: Color = draws.choice(((30, 30, 30), (40, 44, 52), (0, 0, 0), (253, 246, 227), WHITE, (0, 43, 54)))
    dark = brightness(paper) < 128
    inks = [(212, 212, 212) if dark else (36, 41, 46)]
    while len(inks) < 7:
        color = any_color(draws)
        if abs(brightness(color) - brightness(paper)) > 70:
            inks.append(color)
    size, style = draws.randint(10, 20), draws.choice(("gray", "gray", "subpixel", "bilevel"))
    font, pitch = draw_font(draws, size, mono=True), size * draws.choice((6, 7, 8)) // 5
    picture = Image.new("RGB", (side, side), paper)
    numbered = draws.random() < 0.6
    for number, row in enumerate(range(draws.randrange(8), side, pitch)):
        column = 6
        if numbered:
            put_letters(picture, (column, row), letter_mask(f"{number + 1:3d}", font, style), _SHADE)
            column += 3 * size
        column += draws.choice((0, 0, 1, 2, 3)) * 2 * size
        if draws.random() < 0.03:
            picture.paste((38, 79, 120) if dark else (173, 214, 255), (0, row, side, row + pitch))
        while column < side and draws.random() < 0.8:
            word = draw_words(draws, draws.randint(2, 14), code=True)
            mask = letter_mask(word, font, style)
            put_letters(picture, (column, row), mask, draws.choice(inks))
            column += mask.width + size // 2
    return picture
