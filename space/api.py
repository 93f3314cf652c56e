"""The page as an API: `/restore` and `/measure`, for programs, without a visit.

A program uploads a file and names it in a request. Its results are deleted after some minutes.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import gradio as gr

from argan_hf import UnreadableImageError
from folders import new_folder, uploaded
from network import in_thread, measure_picture, places, restore
from pictures import FORMATS, Choices, Picture, Settings, discard, keep, look_at, sentence
from places import BusyError, visitor_of
from restoring import OUTPUT
from tasks import NotWantedError, Report
from visits import UNEXPECTED

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

at_work: set[Path] = set()
"""Folders of requests that wait or are worked on; they are not deleted, however long it takes."""


async def restore_file(
    picture: gr.FileData,
    quality: int | None = None,
    strength: float = 1.0,
    realism: float = 0.0,
    faithful: bool = True,
    output_format: Literal["png", "webp", "tiff", "avif", "jpg"] = "png",
    compress_at: int | None = None,
    request: gr.Request | None = None,
) -> tuple[gr.FileData, str]:
    """Restore a picture, as `argan restore` does.

    Args:
        picture: an uploaded file.
        quality: JPEG quality 1 to 100 for which the network is told to restore; default: what the file states.
        strength: 0 (the picture as it is) to 1 (fully restored).
        realism: 0 (least error) to 1 (texture, which can be false).
        faithful: whether the brightness of a JPEG is kept within what the file states.
        output_format: of the result.
        compress_at: JPEG quality 1 to 100 at which the picture is compressed first.

    Returns:
        The restored file, and a text on what was found and done.
    """
    settings = _settings(strength, realism, faithful, output_format)
    choices = Choices(_quality(quality, "quality"), _quality(compress_at, "compress_at"))

    def work(given: Picture, report: Report) -> tuple[gr.FileData, str]:
        result = restore(given, choices, settings, report)
        (given.folder / OUTPUT).unlink(missing_ok=True)
        return gr.FileData(path=str(result.path)), " ".join(result.sentences)

    return await _run(picture, request, work)


async def measure_file(
    picture: gr.FileData,
    quality: int = 20,
    strength: float = 1.0,
    realism: float = 0.0,
    faithful: bool = True,
    request: gr.Request | None = None,
) -> tuple[list[gr.FileData], dict[str, Any]]:
    """Compress the middle of a picture at 12 JPEG qualities, restore it, and score both against the picture.

    Args:
        picture: an uploaded file, taken as the original.
        quality: JPEG quality 1 to 100 whose pictures and scores are returned.
        strength: 0 (the picture as it is) to 1 (fully restored).
        realism: 0 (least error) to 1 (texture, which can be false).
        faithful: whether the brightness of the JPEG is kept within what the file states.

    Returns:
        The original, the JPEG and the restored picture as files; and the scores: `rows` (name, PSNR, PSNR-B, SSIM),
        `curve` (quality, PSNR of the JPEG, PSNR of the restored picture) and `words` on what they mean.
    """
    settings = _settings(strength, realism, faithful, "png")
    at = _quality(quality, "quality") or 20

    def work(given: Picture, report: Report) -> tuple[list[gr.FileData], dict[str, Any]]:
        found = measure_picture(given.path, at, settings, new_folder(), report)
        return [gr.FileData(path=str(path)) for _, path in found.pop("pictures")], found

    return await _run(picture, request, work)


async def _run(picture: Any, request: gr.Request | None, work: Callable[[Picture, Report], _T]) -> _T:
    source = uploaded(picture.get("path") if isinstance(picture, dict) else getattr(picture, "path", None))
    given = keep(source, source.name)
    at_work.add(given.folder)
    canceled = threading.Event()

    def report(share: float, words: str) -> None:  # noqa: ARG001
        if canceled.is_set():
            raise NotWantedError

    def run() -> _T:
        look_at(given)
        if given.refusal is not None:
            raise UnreadableImageError(given.refusal)
        return work(given, report)

    try:
        async with places.take(visitor_of(request) if request else "a program"):
            return await in_thread(run, canceled.set)
    except BusyError as error:
        discard(given)
        raise _refusal(str(error)) from error
    except (UnreadableImageError, ValueError) as error:
        discard(given)
        raise _refusal(given.refusal or sentence(given, error)) from error
    except Exception as error:
        discard(given)
        logger.exception("a request of the API failed")
        raise _refusal(UNEXPECTED) from error
    except asyncio.CancelledError:
        discard(given)
        raise
    finally:
        at_work.discard(given.folder)


def _refusal(words: str) -> gr.Error:
    return gr.Error(words, print_exception=False)


def _settings(strength: Any, realism: Any, faithful: Any, output_format: Any) -> Settings:
    for name, value in (("strength", strength), ("realism", realism)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise _refusal(f"{name} must be a number from 0 to 1, found {value!r}")
    if not isinstance(faithful, bool):
        raise _refusal(f"faithful must be true or false, found {faithful!r}")
    if output_format not in FORMATS:
        raise _refusal(f"output_format must be one of {', '.join(FORMATS)}, found {output_format!r}")
    return Settings(float(strength), float(realism), faithful, output_format)


def _quality(value: Any, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 100 or value != int(value):
        raise _refusal(f"{name} must be a whole number from 1 to 100, found {value!r}")
    return int(value)
