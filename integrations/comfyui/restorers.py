"""The restorer of each model, loaded once and kept, on the device that ComfyUI uses; and ComfyUI's progress bar.

ComfyUI can be absent: then the device is the default one, and nobody is told of progress.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

import torch

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT

_STEPS_PER_PICTURE = 100


@cache
def restorer_of(model: str) -> JpegRestorer:
    """The restorer of a model.

    Args:
        model: name of a checkpoint of `argan_hf`, a folder, a Hub id, or a file of weights of another network.

    Raises:
        OSError: if there is no such checkpoint or file.
        DamagedCheckpointError, UnsupportedNetworkError: if it does not hold a whole network; they are ValueErrors, too.
        ImportError: if spandrel is missing for a network of others.
    """
    return JpegRestorer.from_pretrained(model.strip() or DEFAULT_CHECKPOINT, device=_device())


def _device() -> torch.device | None:
    with suppress(ImportError):
        from comfy.model_management import get_torch_device

        device: torch.device = get_torch_device()
        return device
    return None


def progress_of(pictures: int) -> Callable[[int], Callable[[int, int], None] | None]:
    """A progress bar over several pictures.

    Args:
        pictures: how many there are.

    Returns:
        A function that gives, for the number of a picture, what a restorer calls with (tiles done, tiles in all);
        `None` without ComfyUI. Each call also lets ComfyUI stop the work.
    """
    try:
        from comfy.utils import ProgressBar
    except ImportError:
        return lambda number: None  # noqa: ARG005
    bar = ProgressBar(_STEPS_PER_PICTURE * pictures)

    def of(number: int) -> Callable[[int, int], None]:
        return lambda done, tiles: bar.update_absolute(_STEPS_PER_PICTURE * number + _STEPS_PER_PICTURE * done // tiles)

    return of
