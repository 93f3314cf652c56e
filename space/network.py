"""The restorer, where it runs, and who has the processor.

On ZeroGPU hardware, functions that need the GPU run in another process: they get and give values that can be pickled,
and write large ones to files. Elsewhere they run here, a tile at a time, so that visitors share the processor.
"""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

try:
    import spaces
except ImportError:
    spaces = None

import numpy as np

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.history import History
from measuring import measure
from pictures import MAX_MEGAPIXELS, Choices, Picture, Result, Settings
from places import Places
from processor import Relay
from restoring import NETWORK_SHARE
from restoring import restore as restore_picture
from tasks import Report

_T = TypeVar("_T")

AT_ONCE = 6
"""Visitors who work at the same time: one has the processor, the others read and write files."""

# Only there does `spaces` start another process; installed elsewhere, it does nothing.
_ON_ZERO_GPU = spaces is not None and bool(os.environ.get("SPACES_ZERO_GPU"))

model_name = os.environ.get("ARGAN_MODEL") or DEFAULT_CHECKPOINT
"""The network of the page: a checkpoint, a folder, a Hub id, or a file of weights of another network."""
restorer = JpegRestorer.from_pretrained(model_name, max_megapixels=MAX_MEGAPIXELS)
"""A damaged checkpoint ends the start of the page; a damaged variant for realism fails where it is first wished for."""
has_realism = restorer.has_realism
default_settings = Settings() if has_realism else Settings(realism=0.0)
"""What is set when a visitor comes."""
places = Places(AT_ONCE, waiting_per_visitor=8, waiting_in_all=200)
looking = Places(2, waiting_per_visitor=24, waiting_in_all=500)
"""For reading headers and making thumbnails, which must not wait for a restoration."""

# As many threads as places: every thread that uses torch keeps memory and threads of its own.
_threads = ThreadPoolExecutor(AT_ONCE + looking.count, thread_name_prefix="restore")
_relay = Relay()


async def in_thread(function: Callable[[], _T], on_cancel: Callable[[], None] = lambda: None) -> _T:
    """Run a function in a thread, while holding a place.

    If the request is canceled, the thread goes on until the function ends, and so does this: otherwise its place would
    be given away while it is still at work.

    Args:
        function: gives the result.
        on_cancel: called when the request is canceled; it tells the function to end soon.
    """
    context = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor(_threads, context.run, function)
    canceled = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            canceled = error
            on_cancel()
    if canceled is not None:
        work.exception()  # nobody else asks for it
        raise canceled
    return work.result()


def restore(picture: Picture, choices: Choices, settings: Settings, report: Report) -> Result:
    """Restore a picture; see [`restoring.restore`]. Call it in [`in_thread`]."""

    def reconstruct(path: Path, quality: int | None, realism: float, target: Path) -> History:
        report(0.0, "Restoring")
        if _ON_ZERO_GPU:
            return _reconstruct_on_gpu(path, quality, realism, target)
        with _relay.held() as pass_on:

            def progress(done: int, total: int) -> None:
                report(NETWORK_SHARE * done / total, "Restoring")
                pass_on()

            history = restorer.find_history(path, quality)
            planes = restorer.reconstruct(path, quality, realism=realism, progress=progress, history=history)
        np.save(target, planes.numpy())
        return history

    return restore_picture(restorer, picture, choices, settings, reconstruct, _turn, report)


def measure_picture(path: Path, quality: int, settings: Settings, folder: Path, report: Report) -> dict[str, Any]:
    """Measure a picture at many qualities; see [`measuring.measure`]. Call it as [`restore`]."""
    if _ON_ZERO_GPU:
        report(0.0, "Measuring")
        return _measure_on_gpu(path, quality, settings, folder)

    with _relay.held() as pass_on:

        def passing(share: float, words: str) -> None:
            report(share, words)
            pass_on()

        return measure(restorer, path, quality, settings, folder, passing)


def _turn() -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None) if _ON_ZERO_GPU else _relay.held()


def _reconstruct_on_gpu(path: Path, quality: int | None, realism: float, target: Path) -> History:
    history = restorer.find_history(path, quality)
    np.save(target, restorer.reconstruct(path, quality, realism=realism, history=history).numpy())
    return history


def _measure_on_gpu(path: Path, quality: int, settings: Settings, folder: Path) -> dict[str, Any]:
    return measure(restorer, path, quality, settings, folder, lambda share, words: None)  # noqa: ARG005


if spaces is not None:
    # Seconds at most: a visitor whose quota has less left is refused.
    _reconstruct_on_gpu = spaces.GPU(duration=20)(_reconstruct_on_gpu)
    _measure_on_gpu = spaces.GPU(duration=40)(_measure_on_gpu)
