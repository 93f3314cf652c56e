"""Fonts, words and letters: as grayscale, of two levels, or for the subpixels of a screen.

Fonts are those that the packages of a Linux distribution install, if their license lets anyone use them; one lies in
Pillow, so that there is always one.
"""

import random
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
# Families under the OFL, the licenses of Bitstream Vera and Apache, or the GPL with the exception for fonts.
_FAMILIES = (
    *("Cabin", "Cantarell", "ComicNeue", "DejaVu", "EBGaramond", "FiraCode", "FreeMono", "FreeSans", "FreeSerif"),
    *("Hack", "Inconsolata", "JetBrainsMono", "Lato", "Liberation", "LinBiolinum", "LinLibertine", "NimbusMono"),
    *("NimbusRoman", "NimbusSans", "NotoSans-", "NotoSansMono", "NotoSerif-", "OpenSans", "Roboto", "URW", "Vollkorn"),
)
_MONO = ("Mono", "Code", "Hack", "Inconsolata")
_UNREADABLE = ("Symbol", "Dingbats", "Math", "Initials", "Keyboard", "Thin", "NimbusSansNarrow-Oblique")
_SYLLABLES = (
    *("an", "be", "co", "di", "el", "fu", "ga", "ho", "in", "ja", "ko", "lu", "me", "no", "or", "pa", "qu", "ri"),
    *("sa", "te", "un", "va", "we", "xy", "yo", "zi", "ra", "st", "er", "on"),
)
_ENDINGS = ("", "", "", "", ",", ".", "!", "?", ":", ";", "'s", "…")
_CODE = (
    *("def", "return", "if", "else:", "import", "class", "self.x", "=", "==", "+=", "->", "{", "}", "[0]", "();"),
    *("for", "in", "while", "int", "const", "let", "=>", "!=", "&&", "||", "/* */", "#", "//", "0x1F", "None", "<div>"),
)
# How a screen spreads a subpixel over its neighbors, so that letters show no colors.
_SPREAD = np.array((1, 2, 3, 2, 1), dtype=np.float32) / 9


@cache
def font_files(mono: bool = False) -> tuple[Path, ...]:
    """The font files found on this machine, by name; with `mono` those in which all letters are equally wide."""
    found = {
        path.name: path
        for folder in _FOLDERS
        for path in folder.rglob("*.[to]tf")
        if path.name.startswith(_FAMILIES) and not any(word in path.name for word in _UNREADABLE)
    }
    return tuple(found[name] for name in sorted(found) if not mono or any(word in name for word in _MONO))


def draw_font(draws: random.Random, size: int, *, mono: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of a size in pixels; the one within Pillow where no other is found."""
    files = font_files(mono) or font_files()
    return ImageFont.truetype(str(draws.choice(files)), size) if files else ImageFont.load_default(size)


def draw_words(draws: random.Random, length: int, *, code: bool = False) -> str:
    """A line of words that mean nothing, about `length` letters long; with `code` it looks like a program."""
    words: list[str] = []
    while sum(map(len, words)) + len(words) < length:
        kind = draws.random()
        if code and kind < 0.6:
            words.append(draws.choice(_CODE))
        elif kind < 0.15:
            words.append(f"{draws.uniform(0, 10 ** draws.randint(1, 5)):.{draws.choice((0, 1, 2))}f}")
        else:
            word = "".join(draws.choices(_SYLLABLES, k=draws.randint(1, 4)))
            word = draws.choice((word, word, word.capitalize(), word.upper()))
            words.append(word + ("" if code else draws.choice(_ENDINGS)))
    return " ".join(words)


def letter_mask(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, style: str = "gray") -> Image.Image:
    """How much of every pixel a line of text covers.

    Args:
        text: of one line.
        font: from [`draw_font`].
        style: "gray" for smooth edges; "bilevel" for none; "subpixel" for edges that are smooth by thirds of a pixel,
            with the three thirds as the channels of the result.

    Returns:
        Mode "L", or "RGB" with "subpixel"; the smallest box around the letters.
    """
    if style == "subpixel" and isinstance(font, ImageFont.FreeTypeFont):
        large = _mask(text, font.font_variant(size=font.size * 3))
        width, height = -(-large.width // 3) * 3, -(-large.height // 3)
        rows = large.resize((large.width, height), Image.Resampling.BOX)
        padded = np.zeros((height, width + 4), dtype=np.float32)
        padded[:, 2 : 2 + rows.width] = np.asarray(rows)
        spread = sum(weight * padded[:, start : start + width] for start, weight in enumerate(_SPREAD))
        thirds = np.asarray(spread).reshape(height, width // 3, 3)
        return Image.fromarray(np.rint(thirds).astype(np.uint8))
    return _mask(text, font, "1" if style == "bilevel" else "L")


def _mask(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, mode: str = "L") -> Image.Image:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    mask = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
    draw = ImageDraw.Draw(mask)
    draw.fontmode = mode
    draw.text((-left, -top), text, fill=255, font=font)
    return mask


def put_letters(picture: Image.Image, place: tuple[int, int], mask: Image.Image, color: tuple[int, int, int]) -> None:
    """Draw letters into an RGB picture.

    Args:
        picture: is changed.
        place: column and row of the upper left corner of the letters.
        mask: from [`letter_mask`].
        color: of the letters.
    """
    if mask.mode == "L":
        picture.paste(color, place, mask)
        return
    box = (*place, place[0] + mask.width, place[1] + mask.height)
    channels = zip(picture.crop(box).split(), color, mask.split(), strict=True)
    # A channel covers its third of a pixel only.
    picture.paste(
        Image.merge("RGB", [Image.composite(Image.new("L", mask.size, c), under, m) for under, c, m in channels]), place
    )
