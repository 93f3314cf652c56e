"""Drawings with flat colors and smooth edges: lines, comics, maps, logos and stars."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

from .canvas import BLACK, WHITE, Color, any_color, paper_and_ink, with_smooth_edges
from .lettering import draw_font, draw_words, letter_mask, put_letters

Point = tuple[float, float]


def _curve(draws: random.Random, side: float) -> list[Point]:
    """Points of a cubic Bézier curve between any places."""
    corners = [(draws.uniform(-0.1, 1.1) * side, draws.uniform(-0.1, 1.1) * side) for _ in range(4)]
    points = []
    for step in range(33):
        t = step / 32
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        points.append(
            (
                sum(weight * corner[0] for weight, corner in zip(weights, corners, strict=True)),
                sum(weight * corner[1] for weight, corner in zip(weights, corners, strict=True)),
            )
        )
    return points


def _blob(draws: random.Random, center: Point, radius: float, corners: int, roughness: float) -> list[Point]:
    """A closed outline around a center."""
    turn = draws.uniform(0, 2 * math.pi)
    points = []
    for corner in range(corners):
        reach = radius * (1 + draws.uniform(-roughness, roughness))
        angle = turn + 2 * math.pi * corner / corners
        points.append((center[0] + reach * math.cos(angle), center[1] + reach * math.sin(angle)))
    return points


def _star(center: Point, radius: float, corners: int, depth: float, turn: float) -> list[Point]:
    points = []
    for corner in range(2 * corners):
        reach = radius * (depth if corner % 2 else 1.0)
        angle = turn + math.pi * corner / corners
        points.append((center[0] + reach * math.cos(angle), center[1] + reach * math.sin(angle)))
    return points


def line_drawing(draws: random.Random, side: int) -> Image.Image:
    """Thin and thick lines, curves, circles and boxes in a few inks; with smooth edges or without."""
    paper, ink = paper_and_ink(draws)
    inks = [ink, ink, *(any_color(draws) for _ in range(draws.randrange(3)))]

    def draw_lines(draw: ImageDraw.ImageDraw, scale: int) -> None:
        size = side * scale
        for _ in range(draws.randint(12, 60)):
            color, width = draws.choice(inks), max(round(draws.choice((0.7, 1, 1, 2, 3, 6)) * scale), 1)
            kind, (x, y) = draws.random(), (draws.uniform(0, size), draws.uniform(0, size))
            reach = draws.uniform(0.02, 0.3) * size
            if kind < 0.4:
                draw.line(_curve(draws, size), color, width, joint="curve")
            elif kind < 0.6:
                draw.line((x, y, x + draws.uniform(-reach, reach), y + draws.uniform(-reach, reach)), color, width)
            elif kind < 0.75:
                draw.line((x, y, x + reach, y) if draws.random() < 0.5 else (x, y, x, y + reach), color, width)
            elif kind < 0.9:
                draw.ellipse((x, y, x + reach, y + draws.uniform(0.3, 1) * reach), outline=color, width=width)
            else:
                draw.rectangle((x, y, x + reach, y + draws.uniform(0.3, 1) * reach), outline=color, width=width)

    if draws.random() < 0.3:
        picture = Image.new("RGB", (side, side), paper)
        draw_lines(ImageDraw.Draw(picture), 1)
        return picture
    return with_smooth_edges(side, paper, draw_lines)


def comic(draws: random.Random, side: int) -> Image.Image:
    """Flat fills with dark outlines, shadows of a second tone, panels, dots of halftone, and a speech bubble."""
    palette = [any_color(draws) for _ in range(draws.randint(3, 9))]

    def draw_shapes(draw: ImageDraw.ImageDraw, scale: int) -> None:
        size, outline = side * scale, draws.choice((0, 1, 2, 3, 4)) * scale
        if draws.random() < 0.4:  # dots
            pitch, color = draws.randint(4, 12) * scale, draws.choice(palette)
            for row in range(0, size, pitch):
                for column in range(row // pitch % 2 * pitch // 2, size, pitch):
                    draw.ellipse((column, row, column + pitch * 0.6, row + pitch * 0.6), fill=color)
        for _ in range(draws.randint(6, 24)):
            center = draws.uniform(0, size), draws.uniform(0, size)
            shape = _blob(draws, center, draws.uniform(0.03, 0.3) * size, draws.choice((3, 4, 5, 8, 24)), 0.3)
            fill = draws.choice(palette)
            draw.polygon(shape, fill)
            if draws.random() < 0.5:  # the shadow
                moved = [(0.8 * x + 0.2 * center[0] + 3 * scale, 0.8 * y + 0.2 * center[1] + scale) for x, y in shape]
                draw.polygon(moved, tuple(part * 3 // 4 for part in fill))
            if outline:
                draw.line([*shape, shape[0], shape[1]], BLACK, outline, joint="curve")

    picture = with_smooth_edges(side, draws.choice(palette), draw_shapes)
    if draws.random() < 0.5:
        size = draws.randint(12, 28)
        mask = letter_mask(draw_words(draws, draws.randint(5, 20)).upper(), draw_font(draws, size))
        x, y = draws.randrange(side // 2), draws.randrange(side // 2)
        box = (x - size, y - size, x + mask.width + size, y + mask.height + size)
        ImageDraw.Draw(picture).ellipse(box, fill=WHITE, outline=BLACK, width=2)
        put_letters(picture, (x, y), mask, BLACK)
    return picture


def road_map(draws: random.Random, side: int) -> Image.Image:
    """Land, water, streets with borders, dashed lines, and names."""
    land: Color = draws.choice(((242, 239, 233), (235, 240, 225), (40, 44, 52)))
    areas: list[Color] = [(170, 211, 223), (200, 250, 204), (217, 208, 201), (173, 209, 158), any_color(draws)]

    def draw_ground(draw: ImageDraw.ImageDraw, scale: int) -> None:
        size = side * scale
        for _ in range(draws.randint(4, 16)):
            center = draws.uniform(0, size), draws.uniform(0, size)
            draw.polygon(_blob(draws, center, draws.uniform(0.03, 0.25) * size, 12, 0.5), draws.choice(areas))
        for _ in range(draws.randint(8, 30)):
            course, width = _curve(draws, size), draws.choice((1, 2, 4, 7, 10)) * scale
            fill = draws.choice((WHITE, WHITE, (252, 214, 164), (233, 144, 160), any_color(draws)))
            draw.line(course, tuple(part * 3 // 4 for part in fill), width + 2 * scale, joint="curve")
            draw.line(course, fill, width, joint="curve")
        course = _curve(draws, size)
        for start in range(0, len(course) - 1, 2):
            draw.line(course[start : start + 2], (90, 90, 160), scale)

    picture = with_smooth_edges(side, land, draw_ground)
    for _ in range(draws.randint(4, 16)):
        mask = letter_mask(draw_words(draws, draws.randint(4, 14)), draw_font(draws, draws.randint(8, 18)))
        put_letters(picture, (draws.randrange(side), draws.randrange(side)), mask, draws.choice((BLACK, (90, 90, 160))))
    return picture


def logos(draws: random.Random, side: int) -> Image.Image:
    """Emblems in pure colors: stars, rings, wedges, crosses, and large letters; or a sky of small stars."""
    ground = any_color(draws)

    def draw_emblems(draw: ImageDraw.ImageDraw, scale: int) -> None:
        size = side * scale
        if draws.random() < 0.25:
            for _ in range(draws.randint(60, 400)):
                x, y, radius = draws.uniform(0, size), draws.uniform(0, size), draws.uniform(0.5, 2.5) * scale
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), any_color(draws))
        for _ in range(draws.randint(3, 12)):
            x, y, radius = draws.uniform(0, size), draws.uniform(0, size), draws.uniform(0.03, 0.25) * size
            box, color, kind = (x - radius, y - radius, x + radius, y + radius), any_color(draws), draws.random()
            if kind < 0.4:
                draw.polygon(
                    _star((x, y), radius, draws.randint(4, 12), draws.uniform(0.3, 0.8), draws.random()), color
                )
            elif kind < 0.6:
                draw.ellipse(box, outline=color, width=max(round(radius / draws.randint(2, 8)), 1))
            elif kind < 0.75:
                start = draws.randrange(360)
                draw.pieslice(box, start, start + draws.randint(30, 330), color)
            elif kind < 0.9:
                draw.rounded_rectangle(box, radius / draws.randint(2, 8), color)
            else:
                arm = radius / draws.randint(3, 6)
                draw.rectangle((x - arm, y - radius, x + arm, y + radius), color)
                draw.rectangle((x - radius, y - arm, x + radius, y + arm), color)

    picture = with_smooth_edges(side, ground, draw_emblems)
    if draws.random() < 0.5:
        mask = letter_mask(draw_words(draws, 4).title(), draw_font(draws, draws.randint(40, 140)))
        place = draws.randrange(side // 2), draws.randrange(side // 2)
        if draws.random() < 0.3:  # a soft shadow
            shadow = Image.new("L", (side, side))
            shadow.paste(mask, (place[0] + 4, place[1] + 4))
            picture.paste(BLACK, (0, 0), shadow.filter(ImageFilter.GaussianBlur(3)))
        put_letters(picture, place, mask, any_color(draws))
    return picture
