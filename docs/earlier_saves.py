"""Draws docs/earlier-saves.png: an example that was saved twice, as it was restored without and with its history."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from argan_hf import restore

ROOT = Path(__file__).parents[1]
FIRST, CROP, SECOND = 15, (3, 5), 90
SIZE, ZOOM = 170, 2
PLACES = (("dog", (190, 110)), ("girl", (330, 110)))


def _saved(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _panel(image: Image.Image, place: tuple[int, int], text: str) -> Image.Image:
    left, top = place
    small = image.crop((left, top, left + SIZE, top + SIZE))
    panel = small.resize((SIZE * ZOOM, SIZE * ZOOM), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(panel)
    draw.rectangle((0, panel.height - 26, panel.width, panel.height), fill=(0, 0, 0))
    draw.text((8, panel.height - 23), text, fill=(255, 255, 255), font=ImageFont.load_default(15))
    return panel


def main() -> None:
    """Write the picture."""
    side = SIZE * ZOOM
    sheet = Image.new("RGB", (3 * side + 16, len(PLACES) * (side + 8) - 8), (255, 255, 255))
    for row, (name, place) in enumerate(PLACES):
        with Image.open(ROOT / "space" / "examples" / f"{name}.png") as original:
            first = Image.open(io.BytesIO(_saved(original.convert("RGB"), FIRST)))
        source = _saved(first.crop((CROP[1], CROP[0], first.width, first.height)), SECOND)
        panels = {
            f"saved at {FIRST}, cropped, saved at {SECOND}": Image.open(io.BytesIO(source)),
            f"restored as a file of quality {SECOND}": restore(source, history=False).image,
            "earlier save found and undone": restore(source).image,
        }
        for column, (text, image) in enumerate(panels.items()):
            sheet.paste(_panel(image, place, text), (column * (side + 8), row * (side + 8)))
    sheet.save(ROOT / "docs" / "earlier-saves.png")


if __name__ == "__main__":
    main()
