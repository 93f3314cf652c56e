"""One step of adversarial training: D once by Eq. 4, then G once by Eq. 3; before the adversarial phase, G alone."""

from functools import partial

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import PreTrainedModel

from .arguments import ArganTrainingArguments
from .batch import Batch
from .losses import discriminator_loss, generator_loss, l2_loss, texture_loss
from .objective import PixelObjective
from .teacher import Teacher
from .trained_network import Losses, TrainedNetwork


class AdversarialUpdate:
    """Holds generator and discriminator and updates them, step by step.

    Args:
        accelerator: moves the networks to their device and wraps them.
        args: the settings of the run.
        generator: the network to train.
        discriminator: `None` for runs without an adversarial phase.

    Attributes:
        networks: the generator and, if there is one, the discriminator.
        position: of the run at the last step.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        args: ArganTrainingArguments,
        generator: PreTrainedModel,
        discriminator: PreTrainedModel | None = None,
    ) -> None:
        self.args = args
        self._g = TrainedNetwork("g", generator, accelerator, args, args.learning_rate)
        self._d: TrainedNetwork | None = None
        if discriminator is not None:
            learning_rate = args.discriminator_learning_rate or args.learning_rate
            self._d = TrainedNetwork("d", discriminator, accelerator, args, learning_rate)
        self.networks = [self._g] if self._d is None else [self._g, self._d]
        teacher = None
        if args.teacher:
            planes = generator.config.num_channels
            teacher = Teacher(args.teacher, planes, accelerator.device, torch_compile=args.torch_compile)
        self._objective = PixelObjective(args, teacher)
        self.position = 0

    @property
    def generator(self) -> torch.nn.Module:
        """G, as accelerate wraps it."""
        return self._g.network

    @property
    def discriminator(self) -> torch.nn.Module | None:
        """D, as accelerate wraps it."""
        return None if self._d is None else self._d.network

    def __call__(self, batches: list[Batch], position: int, *, logged: bool = False) -> Losses:
        """Take one step.

        Args:
            batches: their gradients are averaged; activations of one batch at a time are in memory.
            position: of the run, from 0; decides which losses apply, and the learning rate.
            logged: whether the norms of the gradients are wanted even where they are not clipped.

        Returns:
            Scalars: `g`, `l2`; in the adversarial phase also `d`, `d_real`, `d_fake` (D of originals and of restored
            crops, 0..1) and, with a weight, `texture`; `g_grad_norm` and `d_grad_norm` before clipping, with clipping
            or if the step is logged.
        """
        self.position = position
        if self.args.torch_compile:
            torch.compiler.cudagraph_mark_step_begin()  # what CUDA graphs gave in the step before may be overwritten
        for network in self.networks:
            network.set_position(position)
        if self._d is None or position < self.args.adversarial_start_step:
            return self._g.update(batches, partial(self._generator_losses, None), logged=logged)
        discriminator = self._d.network
        losses = self._d.update(batches, partial(self._discriminator_losses, discriminator), logged=logged)
        discriminator.requires_grad_(False)
        losses |= self._g.update(batches, partial(self._generator_losses, discriminator), logged=logged)
        discriminator.requires_grad_(True)
        return losses

    def unwrap(self) -> None:
        """Remove the wrappers that synchronize the networks of several processes."""
        for network in self.networks:
            network.unwrap()

    def _restore(self, batch: Batch) -> Tensor:
        restored: Tensor = self.generator(batch.degraded, quantization=batch.quantization).reconstruction
        return restored

    def _discriminator_losses(self, discriminator: torch.nn.Module, batch: Batch) -> Losses:
        if self.args.gradient_accumulation_steps == 1:
            batch.restored = self._restore(batch)
            restored = batch.restored.detach()
        else:
            # The autograd graphs of all batches would not fit into memory together, so G runs again for its own update.
            with torch.no_grad():
                restored = self._restore(batch)
        real_logits = discriminator(batch.original, batch.degraded).logits
        fake_logits = discriminator(restored, batch.degraded).logits
        return {
            "d": discriminator_loss(real_logits, fake_logits),
            "d_real": real_logits.sigmoid().mean(),
            "d_fake": fake_logits.sigmoid().mean(),
        }

    def _generator_losses(self, discriminator: torch.nn.Module | None, batch: Batch) -> Losses:
        args = self.args
        restored = batch.restored if batch.restored is not None else self._restore(batch)
        charbonnier = discriminator is None and self.position < args.l2_start_step
        pixel = self._objective(restored, batch, charbonnier=charbonnier)
        losses = {"l2": l2_loss(restored.detach(), batch.original)}
        if discriminator is None:
            return losses | {"g": pixel if charbonnier else args.lambda_l2 * pixel}
        fake_logits = discriminator(restored, batch.degraded).logits
        losses["g"] = generator_loss(fake_logits, pixel, args.lambda_l2, saturating=args.saturating)
        if args.lambda_texture:
            losses["texture"] = texture_loss(restored, batch.original)
            losses["g"] = losses["g"] + args.lambda_texture * losses["texture"]
        return losses
