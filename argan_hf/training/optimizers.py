"""The optimizers of a network: Adam for everything, or Muon for convolution kernels and Adam for the rest.

Orthogonal updates move all directions of a kernel alike, where Adam's follow a few strong ones; such steps take longer.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import ArganTrainingArguments


class KernelMuon(torch.optim.Muon):
    """Muon (Jordan, 2024) for convolution kernels, each seen as the matrix of its first dimension and all the others.

    Its steps are scaled to be as long as Adam's, so that both take the same learning rates.

    Args:
        kernels: parameters of four dimensions in their final memory layout and place: the matrices share their memory.
        lr: learning rate.
    """

    def __init__(self, kernels: list[nn.Parameter], lr: float) -> None:
        self._kernels = kernels
        matrices = [nn.Parameter(_as_matrix(kernel.detach(), kernel)) for kernel in kernels]
        super().__init__(matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Move the kernels by their gradients."""
        matrices = self.param_groups[0]["params"]
        for kernel, matrix in zip(self._kernels, matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _as_matrix(kernel.grad, kernel)
        return super().step(closure)  # type: ignore[no-untyped-call]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of matrices and kernels."""
        super().zero_grad(set_to_none)
        for kernel in self._kernels:
            if set_to_none or kernel.grad is None:
                kernel.grad = None
            else:
                kernel.grad.zero_()


def build_optimizers(
    network: nn.Module, args: ArganTrainingArguments, learning_rate: float
) -> list[torch.optim.Optimizer]:
    """The optimizers of a network that is where it will be trained.

    The first and the last convolution keep Adam: their kernels meet pixels, not features.
    """
    betas = (args.adam_beta1, args.adam_beta2)
    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4][1:-1]
    if args.optimizer == "adam" or not kernels:
        return [torch.optim.Adam(network.parameters(), learning_rate, betas)]
    chosen = set(map(id, kernels))
    rest = [parameter for parameter in network.parameters() if id(parameter) not in chosen]
    return [torch.optim.Adam(rest, learning_rate, betas), KernelMuon(kernels, learning_rate)]


def _as_matrix(tensor: Tensor, kernel: nn.Parameter) -> Tensor:
    """One row per element of the first dimension, columns in the order of the kernel's memory; a view of the kernel."""
    ordered = tensor if kernel.is_contiguous() else tensor.permute(0, 2, 3, 1)
    return ordered.reshape(tensor.shape[0], -1)
