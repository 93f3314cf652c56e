"""The moving average of the generator's weights, and the average that validated best so far."""

import copy
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel


class AveragedWeights:
    """An exponential moving average (EMA) of a network, buffers included.

    After n updates the decay is the smaller of `decay` and (1 + n) / (10 + n), so that the initial weights soon lose
    their influence. The host counts the updates: `torch.optim.swa_utils.AveragedModel` counts on the device, and waits
    for it at every step.

    Args:
        network: the network to average, on its final device.
        decay: the largest decay per update, 0..1.

    Attributes:
        model: the averaged network, in evaluation mode.
        count: number of updates.
    """

    def __init__(self, network: PreTrainedModel, decay: float) -> None:
        self._decay = decay
        self.model: PreTrainedModel = copy.deepcopy(network).eval().requires_grad_(False)
        self.count = 0

    @torch.no_grad()
    def update(self, network: PreTrainedModel) -> None:
        """Add the present weights of the network to the average; the first update copies them."""
        decay = min(self._decay, (1 + self.count) / (10 + self.count)) if self.count else 0.0
        pairs = list(zip(_tensors(self.model), _tensors(network), strict=True))
        means = [(average, present) for average, present in pairs if average.is_floating_point()]
        torch._foreach_lerp_([average for average, _ in means], [present for _, present in means], 1.0 - decay)
        # Counters, such as the number of batches that BatchNorm has seen.
        for average, present in pairs:
            if not average.is_floating_point():
                average.copy_(present)
        self.count += 1

    def state_dict(self) -> dict[str, Any]:
        """The average and the number of updates."""
        return {"model": self.model.state_dict(), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from [`state_dict`]."""
        self.model.load_state_dict(state["model"])
        self.count = state["count"]


def _tensors(network: PreTrainedModel) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


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
