"""Draws docs/before-after.png: an example compressed at quality 10, and what the shipped network makes of it."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from argan_hf import restore

ROOT = Path(__file__).parents[1]
SIZE = 448
CROPS = (("dog", (150, 90, 374, 314)), ("flowers", (180, 150, 404, 374)))


def _panel(image: Image.Image, text: str) -> Image.Image:
    panel = image.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(panel)
    draw.rectangle((0, SIZE - 34, SIZE, SIZE), fill=(0, 0, 0))
    draw.text((10, SIZE - 30), text, fill=(255, 255, 255), font=ImageFont.load_default(20))
    return panel


def main() -> None:
    """Write the picture."""
    sheet = Image.new("RGB", (2 * SIZE + 8, len(CROPS) * (SIZE + 8) - 8), (255, 255, 255))
    for row, (name, box) in enumerate(CROPS):
        buffer = io.BytesIO()
        with Image.open(ROOT / "space" / "examples" / f"{name}.png") as original:
            original.convert("RGB").save(buffer, "JPEG", quality=10)
        before = Image.open(buffer)
        after = restore(buffer.getvalue()).image
        sheet.paste(_panel(before.crop(box), "JPEG, quality 10"), (0, row * (SIZE + 8)))
        sheet.paste(_panel(after.crop(box), "restored"), (SIZE + 8, row * (SIZE + 8)))
    sheet.save(ROOT / "docs" / "before-after.png")


if __name__ == "__main__":
    main()
