"""Where a checkpoint's weights are, and the networks between its two variants.

A checkpoint may hold two sets of weights: the default, nearest to the original on average, and `realism`, trained on
from there against a discriminator. Since one grew out of the other, every mixture of their weights is a network, too.
"""

import copy
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageToImage, PreTrainedModel

CHECKPOINTS = Path(__file__).parent / "checkpoints"
DEFAULT_CHECKPOINT = "argan-jpeg-color"
REALISM_VARIANT = "realism"

_KEPT = 4


def locate(name_or_path: str | Path) -> str | Path:
    """The folder of a checkpoint of this package, by its name; anything else as it is."""
    shipped = CHECKPOINTS / str(name_or_path)
    return shipped if (shipped / "config.json").is_file() else name_or_path


def weights_name(variant: str | None = None) -> str:
    """The file that holds the weights of a variant."""
    return f"model.{variant}.safetensors" if variant else "model.safetensors"


def load_model(name_or_path: str | Path, **kwargs: Any) -> PreTrainedModel:
    """Load the network of a checkpoint of this package, of a local folder or of the Hub.

    Args:
        name_or_path: see [`locate`].
        kwargs: passed to `AutoModelForImageToImage.from_pretrained` (`variant`, `revision`, `token`, …).

    Raises:
        OSError: if there is no such checkpoint.
    """
    model: PreTrainedModel = AutoModelForImageToImage.from_pretrained(
        locate(name_or_path), trust_remote_code=False, **kwargs
    )
    return model


class WeightInterpolation:
    """The networks between two of the same shape; the last few mixtures are kept.

    Args:
        start: at 0; mixtures are where it is, in its memory layout.
        load_end: gives the one at 1, when it is first needed.
    """

    def __init__(self, start: PreTrainedModel, load_end: Callable[[], PreTrainedModel]) -> None:
        self._start = start
        self._load_end = load_end
        self._mixtures = lru_cache(maxsize=_KEPT)(self._mix)

    def at(self, position: float) -> PreTrainedModel:
        """The network at a position: weights `start + position * (end - start)`.

        Args:
            position: 0..1.

        Raises:
            ValueError: if the end is another network.
            OSError: if the end cannot be loaded.
        """
        return self._start if position == 0 else self._mixtures(position)

    @cached_property
    def _end(self) -> dict[str, torch.Tensor]:
        weights: dict[str, torch.Tensor] = self._load_end().to(self._start.device).state_dict()
        shapes, others = ({k: v.shape for k, v in w.items()} for w in (self._start.state_dict(), weights))
        if shapes != others:
            differing = sorted(name for name in shapes | others if shapes.get(name) != others.get(name))
            raise ValueError(f"the two networks differ in {', '.join(differing[:3])}: they cannot be mixed")
        return weights

    @torch.no_grad()
    def _mix(self, position: float) -> PreTrainedModel:
        mixture = copy.deepcopy(self._start)
        for name, tensor in mixture.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(self._end[name], position)
        return mixture
