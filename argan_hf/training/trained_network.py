"""One network while it trains: with its optimizers and their schedules, placed and wrapped by accelerate."""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import PreTrainedModel, get_scheduler

from .arguments import ArganTrainingArguments
from .batch import Batch
from .optimizers import build_optimizers

Losses = dict[str, Tensor]
"""Scalars by name."""


class TrainedNetwork:
    """A network that takes steps.

    Args:
        name: "g" or "d"; the loss of this name is the one that is minimized.
        network: moved to the accelerator's device.
        accelerator: places and wraps it.
        args: every number of the run.
        learning_rate: of this network.

    Attributes:
        network: as accelerate wraps it.
        optimizers, schedulers: one schedule for each optimizer.
    """

    def __init__(
        self,
        name: str,
        network: PreTrainedModel,
        accelerator: Accelerator,
        args: ArganTrainingArguments,
        learning_rate: float,
    ) -> None:
        self.name = name
        self._accelerator = accelerator
        self._args = args
        # Optimizers may share the memory of the weights, so these come to their place first.
        optimizers = build_optimizers(network.to(accelerator.device), args, learning_rate)
        self.schedulers = [
            get_scheduler(args.lr_scheduler, optimizer, args.lr_warmup_steps, args.max_train_steps)
            for optimizer in optimizers
        ]
        self.optimizers = [accelerator.prepare(optimizer) for optimizer in optimizers]
        if args.torch_compile:
            network.compile()
        self.network: torch.nn.Module = accelerator.prepare(network)

    def update(self, batches: list[Batch], losses_of: Callable[[Batch], Losses], *, logged: bool) -> Losses:
        """Take one step along the mean gradient of some batches.

        Args:
            batches: the memory of one is enough.
            losses_of: the losses of a batch; the one called as this network is minimized.
            logged: whether the norm of the gradients is wanted, even if they are not clipped.

        Returns:
            The means of the losses, and `NAME_grad_norm` before clipping, where it was computed.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        total: Losses = {}
        for batch in batches:
            # Processes exchange gradients once, with the last batch.
            with nullcontext() if batch is batches[-1] else self._accelerator.no_sync(self.network):
                losses = losses_of(batch)
                self._accelerator.backward(losses[self.name] / len(batches))
            for name, loss in losses.items():
                total[name] = total.get(name, torch.zeros_like(loss)) + loss.detach() / len(batches)
        parameters = list(self.network.parameters())
        if self._args.max_grad_norm:
            total[f"{self.name}_grad_norm"] = self._accelerator.clip_grad_norm_(parameters, self._args.max_grad_norm)
        elif logged:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            total[f"{self.name}_grad_norm"] = torch.nn.utils.get_total_norm(gradients)
        for each in (*self.optimizers, *self.schedulers):
            each.step()
        return total

    def unwrap(self) -> None:
        """Let go of what keeps the networks of several processes in step."""
        self.network = self._accelerator.unwrap_model(self.network)
