"""A network in training, with its optimizers and its learning rate, as accelerate prepares them."""

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
"""Losses and other scalars, by name."""


class TrainedNetwork:
    """A network in training.

    Args:
        name: "g" or "d"; the loss of this name is minimized.
        network: is moved to the accelerator's device.
        accelerator: wraps it.
        args: the settings of the run.
        learning_rate: of this network.

    Attributes:
        network: the network as accelerate wraps it.
        optimizers: one or two.
        learning_rate: the present one.
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
        # Optimizers take parameters that are on their final device.
        optimizers = build_optimizers(network.to(accelerator.device), args, learning_rate)
        self._schedule = _schedule(optimizers[0], args)
        self._peak = self.learning_rate = learning_rate
        self.optimizers = [accelerator.prepare(optimizer) for optimizer in optimizers]
        if args.torch_compile:
            network.compile(mode=args.torch_compile_mode, dynamic=False)
        self.network: torch.nn.Module = accelerator.prepare(network)

    def update(self, batches: list[Batch], losses_of: Callable[[Batch], Losses], *, logged: bool) -> Losses:
        """Take one optimizer step, with the gradients of some batches averaged.

        Args:
            batches: activations of one batch at a time are in memory.
            losses_of: gives the losses of a batch; the one with the name of this network is minimized.
            logged: whether to compute the norm of the gradients even if they are not clipped.

        Returns:
            The losses, averaged over the batches, and `NAME_grad_norm` before clipping, where it was computed.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        total: Losses = {}
        for batch in batches:
            # Processes synchronize their gradients once, with the last batch.
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
        for optimizer in self.optimizers:
            optimizer.step()
        return total

    def set_position(self, position: int) -> None:
        """Set the learning rate that the schedule states for a position of the run."""
        self.learning_rate = self._peak * self._schedule(position)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate

    def unwrap(self) -> None:
        """Remove the wrapper that synchronizes the networks of several processes."""
        self.network = self._accelerator.unwrap_model(self.network)


def check_finite(network: torch.nn.Module) -> None:
    """Look whether all weights and statistics of a network are finite, which waits for the device.

    Losses are those of the weights before the step, and are looked at in some steps only.

    Raises:
        FloatingPointError: if one is not: such a network must reach no file.
    """
    tensors = [tensor.detach().float() for tensor in (*network.parameters(), *network.buffers())]
    if not torch.stack(torch._foreach_norm(tensors)).isfinite().all():
        raise FloatingPointError("the weights are not finite; a lower --learning_rate can help")


def _schedule(optimizer: torch.optim.Optimizer, args: ArganTrainingArguments) -> Callable[[int], float]:
    """The share of the learning rate at a position, as a schedule of transformers states it."""
    try:
        scheduler = get_scheduler(args.lr_scheduler, optimizer, args.lr_warmup_steps, args.max_train_steps)
    except TypeError:  # a schedule that needs more numbers than these
        scheduler = None
    if not isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR):
        raise ValueError(  # noqa: TRY004  (the type of what a flag names)
            f"lr_scheduler must be a function of the step alone, such as cosine; found {args.lr_scheduler!r}"
        )
    share: Callable[[int], float] = scheduler.lr_lambdas[0]
    return share
