"""Interpolates between the two variants of a checkpoint.

A checkpoint can hold two sets of weights: the default, which minimizes the squared error, and `realism`, which was
trained on from there against a discriminator. Because one was trained from the other, interpolated weights also give a
working network.
"""

import copy
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import nn

_KEPT = 4


class NoVariantError(ValueError):
    """Realism was asked of a checkpoint that has one set of weights."""


class WeightInterpolation:
    """Linear interpolation between the weights of two networks of the same architecture.

    It can be pickled if `end` can. The copy starts without interpolated networks.

    Args:
        start: the network at position 0. Interpolated networks have its device, dtype and memory layout.
        end: the network at position 1, or a function that loads it, which is called when it is first needed.
    """

    def __init__(self, start: nn.Module, end: nn.Module | Callable[[], nn.Module]) -> None:
        self._start = start
        self._given_end = end
        self._interpolated = lru_cache(maxsize=_KEPT)(self._interpolate)

    def __getstate__(self) -> dict[str, Any]:
        # A cache of functools cannot be pickled, and what it holds is computed again in a moment.
        return {name: value for name, value in vars(self).items() if name != "_interpolated"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._interpolated = lru_cache(maxsize=_KEPT)(self._interpolate)

    def at(self, position: float) -> nn.Module:
        """The network with the weights `start + position * (end - start)`; the last four are kept in memory.

        Args:
            position: 0..1.

        Raises:
            NoVariantError: if there is no network at position 1.
            ValueError: if the position is out of range, or that network has another architecture
                (`DamagedCheckpointError` if its file does not hold a whole network).
        """
        if not 0.0 <= position <= 1.0:
            raise ValueError(f"realism must lie in 0..1, found {position}")
        if position == 0:
            return self._start
        try:
            return self._interpolated(position)
        except OSError as error:
            raise NoVariantError(f"this checkpoint has no variant for realism: leave realism at 0 ({error})") from error

    @cached_property
    def _end(self) -> dict[str, torch.Tensor]:
        # A network can be called, too, so its class decides.
        end = self._given_end if isinstance(self._given_end, nn.Module) else self._given_end()
        weights = end.to(next(self._start.parameters()).device).state_dict()
        shapes, others = ({k: v.shape for k, v in w.items()} for w in (self._start.state_dict(), weights))
        if shapes != others:
            differing = sorted(name for name in shapes | others if shapes.get(name) != others.get(name))
            raise ValueError(f"the two networks differ in {', '.join(differing[:3])}: they cannot be interpolated")
        return weights

    @torch.no_grad()
    def _interpolate(self, position: float) -> nn.Module:
        end = self._end  # First: where there is none, nothing is copied.
        network = copy.deepcopy(self._start)
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(end[name], position)
        return network
