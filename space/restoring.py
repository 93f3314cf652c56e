"""Restores a picture of a visitor, or changes the result that is there.

A picture is restored as the file is, and the result is the file that `argan restore` writes, byte for byte. "Compress
it first" is a choice for pictures that show no damage. What the network gives is kept beside the picture, so that
strength, faithful and the format of the result act at once.
"""

import io
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from argan_hf import JpegRestorer
from argan_hf.containers.opening import load_pixels
from argan_hf.history import History
from argan_hf.restored_image import RestorationReport, RestoredImage
from pictures import Choices, Picture, Result, Settings, network_key, open_shown, showable, upright_pixels

NETWORK_SHARE = 0.75
"""Share of the time that the network takes; assembling and writing a PNG file take the rest."""

OUTPUT = "network.npy"
"""What the network gave for a picture, in the folder of the picture."""

# Result formats that browsers show.
_SHOWN_RESULTS = ("png", "webp", "avif", "jpg")
_LONGEST_STEM = 100


def restore(
    restorer: JpegRestorer,
    picture: Picture,
    choices: Choices,
    settings: Settings,
    reconstruct: Callable[[Path, int | None, float, Path], History],
    turn: Callable[[], AbstractContextManager[Callable[[], None]]],
    report: Callable[[float, str], None],
) -> Result:
    """Restore a picture, or change the result that is there where the network need not run again.

    Args:
        restorer: applies strength and faithful, and assembles the picture.
        picture: the file; what is made of it goes to its folder.
        choices, settings: what the visitor chose.
        reconstruct: runs the network over a file, with quality and realism, writes what it gives to a path, and returns
            the history of the picture.
        turn: holds the processor, and gives a function that lets others go first.
        report: called with the share of all work that is done, 0..1, and what is being done; may raise to end the work.

    Raises:
        UnreadableImageError: if the file cannot be restored.
        ValueError: if the result does not fit its format.
    """
    start = time.perf_counter()
    source, caption = picture.path, "Original"
    if choices.compress_at is not None:
        report(0.0, "Compressing")
        source = picture.folder / f"compressed-{choices.compress_at}.jpg"
        source.write_bytes(compress(picture.path, choices.compress_at))
        caption = f"JPEG, quality {choices.compress_at}"
    elif picture.quality is not None:
        caption = f"Original: JPEG, quality {picture.quality}"
    kept = picture.folder / OUTPUT
    key = network_key(choices, settings)
    if picture.network_key != key and settings.strength > 0:
        picture.network_key = None
        picture.history = reconstruct(source, choices.quality, settings.realism, kept)
        picture.network_key = key
    report(NETWORK_SHARE + 0.01, "Assembling")  # from here on, settings that changed end the work
    planes = torch.from_numpy(np.load(kept, mmap_mode="c")) if settings.strength > 0 else None
    with turn() as pass_on:
        restored = restorer(
            source,
            choices.quality,
            settings.strength,
            realism=settings.realism,
            faithful=settings.faithful,
            reconstruction=planes,
            progress=lambda done, total: pass_on(),  # noqa: ARG005
            history=picture.history if settings.strength > 0 else False,
        )
    suffix = settings.output_format
    if suffix == "jpg" and restored.image.mode in ("LA", "RGBA"):
        raise ValueError("JPEG holds no transparency; choose PNG, WebP, TIFF or AVIF as the format of the result")
    report(0.82, f"Writing {suffix.upper()}")
    data, notes = restored.encode(f".{suffix}")
    folder = picture.folder / secrets.token_hex(4)
    folder.mkdir()
    path = folder / f"{picture.path.stem[:_LONGEST_STEM]}-restored.{suffix}"
    path.write_bytes(data)
    after = path if suffix in _SHOWN_RESULTS else _write_shown(restored.image, folder / "shown.png")
    if choices.compress_at is not None:
        before = source
    else:
        if picture.shown is None:
            image = open_shown(source)
            load_pixels(image)
            picture.shown = _write_shown(ImageOps.exif_transpose(image), picture.folder / "before.png")
        before = picture.shown
    seconds = time.perf_counter() - start
    words = [*describe(restored, choices, source.stat().st_size, seconds), *notes]
    return Result(path, before, after, caption, restored.image.size, words)


def compress(path: Path, quality: int) -> bytes:
    """The bytes of a JPEG file that a program would write of a picture, upright, 4:2:0, gray pictures gray."""
    buffer = io.BytesIO()
    upright_pixels(path).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def describe(restored: RestoredImage, choices: Choices, size: int, seconds: float) -> list[str]:
    """What was found and done, in sentences for visitors."""
    report = restored.report
    if choices.compress_at is not None:
        sentences = [f"Compressed at quality {choices.compress_at} to {size / 1000:.0f} kB, then restored."]
    elif report.sampling is not None:
        # Names with commas list unusual factors, as those of CMYK.
        sampling = "" if "," in report.sampling else f", {report.sampling}"
        if report.history.first is not None:
            earlier = f"restored as the file of quality {report.history.first.quality} that it once was"
            sentences = [f"JPEG file of quality {report.quality}{sampling}, {earlier}."]
        elif choices.quality is None:
            sentences = [f"JPEG file of quality {report.quality}{sampling}, restored."]
        else:
            sentences = [f"JPEG file{sampling}, restored as one of quality {choices.quality}."]
    else:
        kind = f"{report.format or 'picture'} file" + (" of 16 bits per channel" if report.bits == 16 else "")
        known = "as the JPEG that it once was" if report.history.saves else "without knowing how it was compressed"
        sentences = [f"{kind}, restored {known}."]
    sentences += [*report.notes, *_check(report)]
    sentences.append(f"{report.width}x{report.height} pixels in {seconds:.1f} s.")
    return sentences


def _check(report: RestorationReport) -> list[str]:
    if report.consistency is None:
        return []
    first = report.history.first
    if first is not None:
        return [
            f"Checked: saved at quality {first.quality} again, {report.consistency.in_words()} of that earlier file"
            " come out, of those that were found."
        ]
    shares = (report.consistency.luma_blocks, report.consistency.chroma_blocks)
    if shares in ((1, 1), (1, None)):
        return ["Checked: saved as JPEG with the file's settings, the result gives your file again, block for block."]
    return [
        f"Checked: saved as JPEG with the file's settings, {report.consistency.in_words()} of your file come out again."
    ]


def _write_shown(image: Image.Image, path: Path) -> Path:
    showable(image).save(path, compress_level=1)
    return path
