"""Draws docs/graphics.png: some of the graphics on which networks are trained, a row for each kind."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from argan_hf.graphics import KINDS, draw_graphic

TARGET = Path(__file__).parent / "graphics.png"
SIDE, COUNT, ACROSS = 128, 4, 2
EDGE, NAME = 4, 100


def main() -> None:
    """Write the picture."""
    rows = -(-len(KINDS) // ACROSS)
    width = NAME + COUNT * (SIDE + EDGE)
    sheet = Image.new("RGB", (ACROSS * width, rows * (SIDE + EDGE)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, kind in enumerate(KINDS):
        left, top = number // rows * width, number % rows * (SIDE + EDGE)
        draw.text((left + 6, top + SIDE // 2 - 8), kind, fill="black", font=font)
        for seed in range(COUNT):
            # The middle of a graphic at the size at which networks see it.
            graphic = draw_graphic(kind, seed, 512).crop((192, 192, 192 + SIDE, 192 + SIDE))
            sheet.paste(graphic, (left + NAME + seed * (SIDE + EDGE), top))
    sheet.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
