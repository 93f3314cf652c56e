"""What all drawings share: colors, places that may lie on a grid, and shapes with smooth edges."""

import colorsys
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

Color = tuple[int, int, int]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)

# Pixels of a drawing with smooth edges become the mean of so many by so many.
_FINENESS = 3


def any_color(draws: random.Random) -> Color:
    """A color: black, white, gray, pure, pale, or any other."""
    kind = draws.random()
    if kind < 0.1:
        return draws.choice((BLACK, WHITE))
    if kind < 0.25:
        gray = draws.randrange(256)
        return gray, gray, gray
    if kind < 0.4:
        channels = [draws.choice((0, 255)) for _ in range(3)]
        return channels[0], channels[1], channels[2]
    saturation, value = (
        (draws.uniform(0.1, 0.4), draws.uniform(0.8, 1.0)) if kind < 0.6 else (draws.random(), draws.random())
    )
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(draws.random(), saturation, value))
    return red, green, blue


def brightness(color: Color) -> float:
    """Luma of a color, 0..255."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def contrasting_colors(draws: random.Random, least: float = 60.0) -> tuple[Color, Color]:
    """Two colors whose luma differs by at least so many levels."""
    while True:
        first, second = any_color(draws), any_color(draws)
        if abs(brightness(first) - brightness(second)) >= least:
            return first, second


def paper_and_ink(draws: random.Random) -> tuple[Color, Color]:
    """Colors of a page and of what is written on it: mostly dark on white, or light on nearly black."""
    kind = draws.random()
    if kind < 0.45:
        return WHITE, BLACK
    if kind < 0.6:
        ink = draws.randrange(90)
        return (255, 255, draws.choice((255, 240, 224))), (ink, ink, ink)
    if kind < 0.75:
        paper, ink = draws.randrange(48), draws.randint(180, 255)
        return (paper, paper, paper + draws.randrange(16)), (ink, ink, ink)
    return contrasting_colors(draws)


def any_place(draws: random.Random, side: int, grid: int = 1) -> int:
    """A place on an axis of `side` pixels, at a multiple of `grid`."""
    return draws.randrange(-(-side // grid)) * grid


def with_smooth_edges(side: int, background: Color, draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Image.Image:
    """A drawing whose edges are smooth, by drawing it larger and averaging.

    Args:
        side: of the result, in pixels.
        background: its color.
        draw: draws it; gets where to draw, and how many times larger everything has to be.
    """
    large = Image.new("RGB", (side * _FINENESS, side * _FINENESS), background)
    draw(ImageDraw.Draw(large), _FINENESS)
    return large.reduce(_FINENESS)
