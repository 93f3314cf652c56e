"""Charts and tables, as reports and spreadsheets show them."""

import random

from PIL import Image, ImageDraw

from .canvas import Color, any_color, paper_and_ink, with_smooth_edges
from .lettering import draw_font, draw_words, letter_mask, put_letters


def chart(draws: random.Random, side: int) -> Image.Image:
    """Lines, bars, dots or a pie over axes with a grid, labels and a legend."""
    paper, ink = paper_and_ink(draws)
    faint: Color = tuple((3 * p + i) // 4 for p, i in zip(paper, ink, strict=True))  # type: ignore[assignment]
    colors = [any_color(draws) for _ in range(draws.randint(1, 6))]
    kind = draws.choice(("lines", "bars", "dots", "pie"))
    left, top, right, bottom = side // 10, side // 12, side - side // 20, side - side // 10

    def draw_data(draw: ImageDraw.ImageDraw, scale: int) -> None:
        width, height = (right - left) * scale, (bottom - top) * scale
        x, y = left * scale, top * scale
        if kind == "pie":
            box, angle = (
                (x + width // 6, y + height // 8, x + width * 5 // 6, y + height * 7 // 8),
                draws.randrange(360),
            )
            for number in range(draws.randint(3, 9)):
                draw.pieslice(box, angle, 400 + angle, (colors * 9)[number], paper, scale)
                angle += draws.randint(10, 90)
            return
        for step in range(draws.randint(4, 12)):
            row = y + height * step // 8
            draw.line((x, row, x + width, row), faint, scale)
        for color in colors:
            level, points = draws.random(), draws.randint(6, 40)
            heights: list[float] = []
            for _ in range(points):
                level = min(max(level + draws.uniform(-0.15, 0.15), 0.0), 1.0)
                heights.append(y + height * (1 - level))
            columns = [x + width * number / points for number in range(points)]
            if kind == "lines":
                draw.line(list(zip(columns, heights, strict=True)), color, draws.choice((1, 2, 3)) * scale)
            for column, level_row in zip(columns, heights, strict=True):
                if kind == "bars":
                    draw.rectangle((column, level_row, column + 0.7 * width / points, y + height), color)
                elif kind == "dots" or points < 12:
                    draw.ellipse(
                        (column - 3 * scale, level_row - 3 * scale, column + 3 * scale, level_row + 3 * scale), color
                    )

    picture = with_smooth_edges(side, paper, draw_data)
    draw, size = ImageDraw.Draw(picture), draws.randint(9, 15)
    font = draw_font(draws, size)
    if kind != "pie":
        draw.line((left, top, left, bottom, right, bottom), ink)
        for step in range(9):
            row, column = bottom - (bottom - top) * step // 8, left + (right - left) * step // 8
            draw.line((left - 4, row, left, row), ink)
            draw.line((column, bottom, column, bottom + 4), ink)
            put_letters(picture, (4, row - size // 2), letter_mask(f"{step * 12.5:g}", font), ink)
            put_letters(picture, (column - size, bottom + 8), letter_mask(str(2015 + step), font), ink)
    put_letters(picture, (side // 4, 8), letter_mask(draw_words(draws, 24), draw_font(draws, size + 6)), ink)
    for number, color in enumerate(colors):
        row = top + 12 + number * (size + 6)
        draw.rectangle((right - 110, row, right - 98, row + 10), color)
        put_letters(picture, (right - 92, row), letter_mask(draw_words(draws, 10), font), ink)
    return picture


def table(draws: random.Random, side: int) -> Image.Image:
    """Cells with lines around them, a head in color, numbers; every second row may be shaded."""
    paper, ink = paper_and_ink(draws)
    picture = Image.new("RGB", (side, side), paper)
    draw, size = ImageDraw.Draw(picture), draws.randint(9, 20)
    height, width = size * draws.choice((14, 16, 20)) // 10, draws.randint(3, 8) * size
    font, style = draw_font(draws, size), draws.choice(("gray", "gray", "bilevel", "subpixel"))
    head, shade, lines = any_color(draws), any_color(draws), draws.choice((ink, (200, 200, 200), any_color(draws)))
    shaded = draws.random() < 0.5
    for number, row in enumerate(range(draws.randrange(height), side, height)):
        if not number or (shaded and number % 2):
            picture.paste(head if not number else shade, (0, row, side, row + height))
        for column in range(draws.randrange(4), side, width):
            words = draw_words(draws, 6) if draws.random() < 0.4 else f"{draws.uniform(-999, 9999):.2f}"
            mask = letter_mask(words, font, style)
            put_letters(
                picture, (column + 4, row + size // 6), mask.crop((0, 0, min(mask.width, width - 6), mask.height)), ink
            )
        draw.line((0, row, side, row), lines)
    for column in range(width - 2, side, width):
        draw.line((column, 0, column, side), lines)
    return picture
