"""One step of the adversarial game: D once by Eq. 4, then G once by Eq. 3 (or G alone, before the game begins)."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import PreTrainedModel, get_scheduler

from .arguments import ArganTrainingArguments
from .losses import balanced_l2_loss, charbonnier_loss, discriminator_loss, generator_loss, l2_loss, texture_loss
from .optimizers import build_optimizers

_Losses = dict[str, Tensor]


@dataclass
class Batch:
    """Crops and what the network is told about them.

    Attributes:
        degraded, original: float (B, C, S, S) in 0..1.
        quantization: (B, C, 8, 8), zeros where the tables are not told.
        restored: what the generator made of them, once it has.
    """

    degraded: Tensor
    original: Tensor
    quantization: Tensor
    restored: Tensor | None = None


class AdversarialUpdate:
    """Owns both networks with their optimizers and schedules.

    Args:
        accelerator: places and wraps them.
        args: every number of the run.
        generator: the network to train.
        discriminator: `None` for runs that never get to it.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        args: ArganTrainingArguments,
        generator: PreTrainedModel,
        discriminator: PreTrainedModel | None = None,
    ) -> None:
        self.args = args
        self.accelerator = accelerator
        networks = [generator] if discriminator is None else [generator, discriminator]
        # Optimizers may share the memory of the weights, so these come to their place first.
        rates = (args.learning_rate, args.discriminator_learning_rate or args.learning_rate)
        optimizers = [
            build_optimizers(network.to(accelerator.device), args, rate)
            for network, rate in zip(networks, rates, strict=False)
        ]
        self.schedulers = [
            [get_scheduler(args.lr_scheduler, one, args.lr_warmup_steps, args.max_train_steps) for one in of_network]
            for of_network in optimizers
        ]
        self.optimizers = [[accelerator.prepare(one) for one in of_network] for of_network in optimizers]
        if args.torch_compile:
            for network in networks:
                network.compile()
        self.generator, *rest = (accelerator.prepare(network) for network in networks)
        self.discriminator = rest[0] if rest else None
        self._step = 0

    def __call__(self, batches: list[Batch], step: int) -> _Losses:
        """Take one step.

        Args:
            batches: their gradients are meaned; the memory of one is enough.
            step: number of the step, from 0; decides which losses apply.

        Returns:
            Scalars: `g`, `l2` and, with a weight, `texture`; in the adversarial phase `d`, `d_real`, `d_fake` (D of
            originals and of restored crops, 0..1); `g_grad_norm` and `d_grad_norm` before clipping, with clipping or
            if the step is logged.
        """
        self._step = step
        rival = self.discriminator if step >= self.args.adversarial_start_step else None
        losses: _Losses = {}
        if rival is not None:
            losses |= self._update(rival, 1, "d", batches, partial(self._discriminator_losses, rival))
            rival.requires_grad_(False)
        losses |= self._update(self.generator, 0, "g", batches, partial(self._generator_losses, rival))
        if rival is not None:
            rival.requires_grad_(True)
        return losses

    def unwrap(self) -> None:
        """Let go of what keeps the networks of several processes in step."""
        self.generator = self.accelerator.unwrap_model(self.generator)
        if self.discriminator is not None:
            self.discriminator = self.accelerator.unwrap_model(self.discriminator)

    def _update(
        self,
        network: torch.nn.Module,
        index: int,
        key: str,
        batches: list[Batch],
        losses_of: Callable[[Batch], _Losses],
    ) -> _Losses:
        for optimizer in self.optimizers[index]:
            optimizer.zero_grad(set_to_none=True)
        total: _Losses = {}
        for batch in batches:
            # Processes exchange gradients once, with the last batch.
            with nullcontext() if batch is batches[-1] else self.accelerator.no_sync(network):
                losses = losses_of(batch)
                self.accelerator.backward(losses[key] / len(batches))
            for name, loss in losses.items():
                total[name] = total.get(name, torch.zeros_like(loss)) + loss.detach() / len(batches)
        parameters = list(network.parameters())
        if self.args.max_grad_norm:
            total[f"{key}_grad_norm"] = self.accelerator.clip_grad_norm_(parameters, self.args.max_grad_norm)
        elif (self._step + 1) % self.args.logging_steps == 0:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            total[f"{key}_grad_norm"] = torch.nn.utils.get_total_norm(gradients)
        for each in (*self.optimizers[index], *self.schedulers[index]):
            each.step()
        return total

    def _restore(self, batch: Batch) -> Tensor:
        restored: Tensor = self.generator(batch.degraded, quantization=batch.quantization).reconstruction
        return restored

    def _discriminator_losses(self, rival: torch.nn.Module, batch: Batch) -> _Losses:
        if self.args.gradient_accumulation_steps == 1:
            batch.restored = self._restore(batch)
            restored = batch.restored.detach()
        else:
            # The graphs of all batches at once would not fit: G runs again when its own turn comes.
            with torch.no_grad():
                restored = self._restore(batch)
        real_logits = rival(batch.original, batch.degraded).logits
        fake_logits = rival(restored, batch.degraded).logits
        return {
            "d": discriminator_loss(real_logits, fake_logits),
            "d_real": real_logits.sigmoid().mean(),
            "d_fake": fake_logits.sigmoid().mean(),
        }

    def _generator_losses(self, rival: torch.nn.Module | None, batch: Batch) -> _Losses:
        args = self.args
        restored = batch.restored if batch.restored is not None else self._restore(batch)
        l2 = l2_loss(restored, batch.original)
        if rival is None and self._step < args.l2_start_step:
            return {"g": charbonnier_loss(restored, batch.original), "l2": l2}
        balanced = (
            balanced_l2_loss(restored, batch.original, batch.degraded, args.l2_balance) if args.l2_balance else l2
        )
        if rival is None:
            return {"g": args.lambda_l2 * balanced, "l2": l2}
        fake_logits = rival(restored, batch.degraded).logits
        losses = {"g": generator_loss(fake_logits, balanced, args.lambda_l2, saturating=args.saturating), "l2": l2}
        if args.lambda_texture:
            losses["texture"] = texture_loss(restored, batch.original)
            losses["g"] = losses["g"] + args.lambda_texture * losses["texture"]
        return losses
