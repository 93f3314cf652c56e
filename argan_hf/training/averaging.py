"""The moving average of the generator's weights, and the average that validated best so far."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from transformers import PreTrainedModel


class AveragedWeights:
    """An exponential moving average (EMA) of a network, buffers included.

    After n updates the decay is the smaller of `decay` and (1 + n) / (10 + n), so that the initial weights soon lose
    their influence.

    Args:
        network: the network to average.
        decay: the largest decay per update, 0..1.
    """

    def __init__(self, network: PreTrainedModel, decay: float) -> None:
        self._decay = decay
        self._average = AveragedModel(network, multi_avg_fn=self._mix, use_buffers=True).eval()

    @property
    def model(self) -> PreTrainedModel:
        """The averaged network, in evaluation mode."""
        model: PreTrainedModel = self._average.module
        return model

    def to(self, device: torch.device) -> "AveragedWeights":
        """Move the average to a device; returns itself."""
        self._average.to(device)
        return self

    def update(self, network: PreTrainedModel) -> None:
        """Add the present weights of the network to the average."""
        self._average.update_parameters(network)

    def state_dict(self) -> dict[str, Any]:
        """The average and the number of updates."""
        return dict(self._average.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from [`state_dict`]."""
        self._average.load_state_dict(state)

    @torch.no_grad()
    def _mix(
        self,
        averaged: tuple[Tensor, ...] | list[Tensor],
        current: tuple[Tensor, ...] | list[Tensor],
        count: Tensor | int,
    ) -> None:
        decay = min(self._decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, 1.0 - decay)
        else:
            torch._foreach_copy_(averaged, current)


class BestWeights:
    """A copy of the weights with the best score so far, on the CPU."""

    def __init__(self) -> None:
        self._score = float("-inf")
        self._weights: dict[str, Tensor] = {}

    def offer(self, score: float, model: PreTrainedModel) -> None:
        """Keep a copy of the weights if no earlier ones scored higher."""
        if score >= self._score:
            self._score = score
            self._weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}

    def put_into(self, model: PreTrainedModel) -> None:
        """Load the best weights into the model; without an earlier offer the model is not changed."""
        if self._weights:
            model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Score and weights."""
        return {"score": self._score, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from [`state_dict`]."""
        self._score, self._weights = state["score"], state["weights"]
