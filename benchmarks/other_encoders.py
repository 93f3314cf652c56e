"""Makes JPEG files with other encoders than Pillow's: `python benchmarks/other_encoders.py --data DIR --output DIR`.

Files that people have come from many encoders. They differ in tables, sampling, scans, in how they shrink chroma, and
in how they round coefficients: some leave details out on purpose, so that what they store is not what an encoder gets
from the original. `benchmarks/consistency.py --files` measures restorations of these files.

Every encoder that is found makes a few files, from the pictures of `--data` in turn: 20 in all. Those that are missing
are named. Debian has `libjpeg-turbo-progs`, `imagemagick` and `guetzli`; the Python packages are `jpeglib` (libjpeg and
mozjpeg) and `pyjpegli`.
"""

import argparse
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, features

from argan_hf.evaluation.protocol import find_pictures
from argan_hf.jpeg.header import read_header

LARGEST = (640, 480)
"""Width and height to which larger pictures are cropped."""

_SMALL = (180, 120)  # guetzli takes a minute for a megapixel


class MissingEncoderError(Exception):
    """An encoder is not installed."""


@dataclass(frozen=True)
class Recipe:
    """A file to make.

    Attributes:
        encode: picture and `settings` -> the bytes of a file.
        encoder: its name.
        settings: for `encode`.
        gray: whether the picture is made gray before.
        largest: width and height to which larger pictures are cropped.
    """

    encode: Callable[..., bytes]
    encoder: str
    settings: tuple[str | int, ...]
    gray: bool = False
    largest: tuple[int, int] = LARGEST


def _run(picture: Image.Image, program: str, *arguments: str) -> bytes:
    """What a program writes that reads the picture from its standard input."""
    if shutil.which(program) is None:
        raise MissingEncoderError(f"{program} is not installed")
    buffer = io.BytesIO()
    picture.save(buffer, "PPM")
    return subprocess.run([program, *arguments], input=buffer.getvalue(), capture_output=True, check=True).stdout


def _with_cjpeg(picture: Image.Image, *options: str) -> bytes:
    return _run(picture, "cjpeg", *options)


def _with_imagemagick(picture: Image.Image, *options: str) -> bytes:
    program = "magick" if shutil.which("magick") else "convert"
    return _run(picture, program, "ppm:-", *options, "jpg:-")


def _with_guetzli(picture: Image.Image, *options: str) -> bytes:
    if shutil.which("guetzli") is None:
        raise MissingEncoderError("guetzli is not installed")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "picture.png"), Path(folder, "picture.jpg")
        picture.save(source)
        subprocess.run(["guetzli", *options, str(source), str(target)], capture_output=True, check=True)
        return target.read_bytes()


def _with_jpeglib(picture: Image.Image, version: str, quality: int, sampling: str) -> bytes:
    try:
        import jpeglib
    except ImportError as error:
        raise MissingEncoderError("the Python package jpeglib is not installed") from error
    with jpeglib.version(version), tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "picture.jpg")
        jpeg = jpeglib.from_spatial(np.array(picture))
        jpeg.samp_factor = sampling
        jpeg.write_spatial(str(target), qt=quality)
        return target.read_bytes()


def _with_jpegli(picture: Image.Image, quality: int) -> bytes:
    try:
        import pyjpegli
    except ImportError as error:
        raise MissingEncoderError("the Python package pyjpegli is not installed") from error
    encoded: bytes = pyjpegli.encode(np.array(picture), picture.width, picture.height, quality=quality)
    return encoded


def _with_pillow(picture: Image.Image, tables: str, sampling: str) -> bytes:
    """Photoshop's tables, which Pillow knows by name: "web_high" is its quality 60 for the web, "web_very_high" 80."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", qtables=tables, subsampling=sampling)
    return buffer.getvalue()


RECIPES = (
    # At this quality cjpeg's tables have steps above 255. Pillow cuts them to 255.
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "10")),
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "30", "-sample", "2x1", "-progressive")),
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "75", "-sample", "1x2")),
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "85", "-sample", "1x1", "-restart", "1")),
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "60", "-qslots", "0,1,0")),
    Recipe(_with_cjpeg, "cjpeg", ("-quality", "50", "-grayscale"), gray=True),
    # Up to quality 90, ImageMagick takes libjpeg's fast DCT, which is less exact, and 4:2:0; above, neither.
    Recipe(_with_imagemagick, "ImageMagick", ("-quality", "40")),
    Recipe(_with_imagemagick, "ImageMagick", ("-quality", "92")),
    Recipe(_with_imagemagick, "ImageMagick", ("-quality", "80", "-sampling-factor", "4:2:2", "-interlace", "JPEG")),
    Recipe(_with_imagemagick, "ImageMagick", ("-quality", "90"), gray=True),
    Recipe(_with_guetzli, "guetzli", ("--quality", "84"), largest=_SMALL),
    Recipe(_with_jpeglib, "libjpeg 6b", ("6b", 60, "4:2:0")),
    Recipe(_with_jpeglib, "libjpeg 6b", ("6b", 95, "4:2:2")),
    Recipe(_with_jpeglib, "libjpeg 9f", ("9f", 90, "4:2:0")),
    Recipe(_with_jpeglib, "mozjpeg 4.0.3", ("mozjpeg403", 20, "4:2:0")),
    Recipe(_with_jpeglib, "mozjpeg 4.0.3", ("mozjpeg403", 75, "4:4:4")),
    Recipe(_with_jpegli, "jpegli", (50,)),
    Recipe(_with_jpegli, "jpegli", (90,)),
    Recipe(_with_pillow, f"libjpeg-turbo {features.version('libjpeg_turbo')}", ("web_high", "4:2:0")),
    Recipe(_with_pillow, f"libjpeg-turbo {features.version('libjpeg_turbo')}", ("web_very_high", "4:4:4")),
)


def _picture(path: Path, number: int, recipe: Recipe) -> Image.Image:
    """A crop; its size differs from file to file, so that the border cuts blocks at every place."""
    with Image.open(path) as image:
        width = min(image.width, recipe.largest[0]) - number % 16
        height = min(image.height, recipe.largest[1]) - 3 * number % 16
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.convert("L" if recipe.gray else "RGB").crop((left, top, left + width, top + height))


def main() -> None:
    """Make the files and print a table of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of original pictures")
    parser.add_argument("--output", type=Path, required=True, help="folder for the JPEG files")
    args = parser.parse_args()
    pictures = find_pictures(args.data)
    args.output.mkdir(parents=True, exist_ok=True)
    missing = {}
    print("| file | encoder | settings | size | sampling | scans | nearest quality | largest step |")
    print("| --- | --- | --- | --- | --- | --- | ---: | ---: |")
    for number, recipe in enumerate(RECIPES):
        path = pictures[number % len(pictures)]
        try:
            data = recipe.encode(_picture(path, number, recipe), *recipe.settings)
        except MissingEncoderError as error:
            missing[recipe.encoder] = str(error)
            continue
        name = f"{number:02d}-{recipe.encoder.lower().replace(' ', '-')}-{path.stem}.jpg"
        (args.output / name).write_bytes(data)
        with Image.open(io.BytesIO(data)) as image:
            header = read_header(image)
        settings = " ".join(map(str, recipe.settings))
        scans = "progressive" if header.progressive else "baseline"
        size = f"{header.width}x{header.height}"
        print(f"| {name} | {recipe.encoder} | {settings} | {size} | {header.sampling} | {scans} ", end="")
        print(f"| {header.quality} | {header.tables.max()} |")
    for encoder, reason in missing.items():
        print(f"\nLeft out: {encoder}, because {reason}.")


if __name__ == "__main__":
    main()
