"""What G minimizes against the pixels of original and teacher; the discriminator's part of Eq. 3 is added elsewhere."""

from collections.abc import Callable

from torch import Tensor

from .arguments import ArganTrainingArguments
from .batch import Batch
from .compiling import compiled
from .losses import balance_weights, border_loss, charbonnier_loss, l2_loss
from .teacher import Teacher


class PixelObjective:
    """The pixel loss of the generator at every position of a run.

    Before `l2_start_step` it is Charbonnier; from then on the squared error (Eq. 2), balanced by `l2_balance`, with the
    error at block borders added by `lambda_borders`. With a teacher, `teacher_weight` of it compares with the teacher.

    Args:
        args: the settings of the run.
        teacher: `None` for runs without one.
    """

    def __init__(self, args: ArganTrainingArguments, teacher: Teacher | None = None) -> None:
        self._args = args
        self._teacher = teacher
        self._charbonnier: Callable[[Tensor, Batch, Tensor | None], Tensor] = self._charbonnier_loss
        self._squared: Callable[[Tensor, Batch, Tensor | None], Tensor] = self._squared_loss
        if args.torch_compile:
            self._charbonnier = compiled(self._charbonnier_loss)
            self._squared = compiled(self._squared_loss)

    def __call__(self, restored: Tensor, batch: Batch, *, charbonnier: bool) -> Tensor:
        """The loss of restored crops (B, C, S, S), a scalar; the squared error without its weight `lambda_l2`."""
        taught = None if self._teacher is None else self._teacher(batch)
        return (self._charbonnier if charbonnier else self._squared)(restored, batch, taught)

    def _charbonnier_loss(self, restored: Tensor, batch: Batch, taught: Tensor | None) -> Tensor:
        loss = charbonnier_loss(restored, batch.original)
        return loss if taught is None else loss.lerp(charbonnier_loss(restored, taught), self._args.teacher_weight)

    def _squared_loss(self, restored: Tensor, batch: Batch, taught: Tensor | None) -> Tensor:
        args = self._args
        weights = balance_weights(batch.degraded, batch.original, args.l2_balance) if args.l2_balance else None

        def against(target: Tensor) -> Tensor:
            squared = l2_loss(restored, target, weights)
            if not args.lambda_borders:
                return squared
            return squared + args.lambda_borders * border_loss(restored, target, batch.offset, weights)

        loss = against(batch.original)
        return loss if taught is None else loss.lerp(against(taught), args.teacher_weight)
