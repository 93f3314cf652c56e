"""Graphics drawn by a program: what people save as JPEG files besides photographs.

Networks are trained on them, and measured on those of other seeds. A kind is a function of random draws and a side.
"""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image

from .charts import chart, table
from .drawings import comic, line_drawing, logos, road_map
from .lettering import font_files
from .pixels import code_for_machines, dithering, gradient, mosaic, pixel_art
from .screens import editor, new_desktop, old_desktop
from .text import bilevel_text, colored_text, put_caption, rotated_text, smooth_text, subpixel_text

__all__ = ["KINDS", "draw_any_graphic", "draw_graphic", "font_files", "put_caption"]

KINDS: Mapping[str, Callable[[random.Random, int], Image.Image]] = MappingProxyType(
    {
        "text": smooth_text,
        "text-bilevel": bilevel_text,
        "text-subpixel": subpixel_text,
        "text-colored": colored_text,
        "text-rotated": rotated_text,
        "desktop-old": old_desktop,
        "desktop-new": new_desktop,
        "editor": editor,
        "lines": line_drawing,
        "comic": comic,
        "map": road_map,
        "logos": logos,
        "chart": chart,
        "table": table,
        "pixel-art": pixel_art,
        "mosaic": mosaic,
        "codes": code_for_machines,
        "dithering": dithering,
        "gradient": gradient,
    }
)
"""The kinds of graphics, by name."""


def draw_graphic(kind: str, seed: int, side: int) -> Image.Image:
    """One picture, mode "RGB", side x side pixels. The same on every machine that has the same fonts.

    Args:
        kind: one of [`KINDS`].
        seed: of all that is drawn at random.
        side: in pixels, at least 64.

    Raises:
        ValueError: for an unknown kind, or a side that is too small.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, found {kind!r}")
    if side < 64:
        raise ValueError(f"side must be at least 64 pixels, found {side}")
    return KINDS[kind](random.Random(f"{kind} {seed}"), side)


def draw_any_graphic(seed: int, side: int) -> Image.Image:
    """One picture as [`draw_graphic`] gives it, of a kind that the seed chooses; all kinds are equally frequent."""
    return draw_graphic(random.Random(seed).choice(list(KINDS)), seed, side)
