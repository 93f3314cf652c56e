"""The optimizers of a network: Adam for everything, or Muon for convolution kernels and Adam for the rest.

Muon orthogonalizes its updates, so that they have about the same size in all directions of a kernel. A few directions
dominate the updates of Adam. A step of Muon takes longer.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import ArganTrainingArguments


class KernelMuon(torch.optim.Muon):
    """Muon (Jordan, 2024) for convolution kernels, each reshaped to a matrix: first dimension by all others.

    Steps are scaled to the size of Adam's, so that one learning rate suits both.

    Args:
        kernels: parameters of four dimensions, on their final device and in their final memory layout, because the
            matrices share their memory.
        lr: learning rate.
    """

    def __init__(self, kernels: list[nn.Parameter], lr: float) -> None:
        self._kernels = kernels
        matrices = [nn.Parameter(_as_matrix(kernel.detach(), kernel)) for kernel in kernels]
        super().__init__(matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update the kernels by their gradients."""
        matrices = self.param_groups[0]["params"]
        for kernel, matrix in zip(self._kernels, matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _as_matrix(kernel.grad, kernel)
        return super().step(closure)  # type: ignore[no-untyped-call]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of matrices and kernels."""
        super().zero_grad(set_to_none)
        for kernel in self._kernels:
            if set_to_none or kernel.grad is None:
                kernel.grad = None
            else:
                kernel.grad.zero_()


def build_optimizers(
    network: nn.Module, args: ArganTrainingArguments, learning_rate: float
) -> list[torch.optim.Optimizer]:
    """The optimizers of a network.

    With Muon, the first and the last convolution still use Adam, because their kernels read or write pixels, not
    features.

    Args:
        network: on its final device and in its final memory layout.
        args: the settings of the run.
        learning_rate: of this network.
    """
    betas = (args.adam_beta1, args.adam_beta2)
    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4][1:-1]
    if args.optimizer == "adam" or not kernels:
        return [torch.optim.Adam(network.parameters(), learning_rate, betas)]
    chosen = set(map(id, kernels))
    rest = [parameter for parameter in network.parameters() if id(parameter) not in chosen]
    return [torch.optim.Adam(rest, learning_rate, betas), KernelMuon(kernels, learning_rate)]


def _as_matrix(tensor: Tensor, kernel: nn.Parameter) -> Tensor:
    """A view of a kernel (N, C, h, w) as a matrix (N, C * h * w), its columns in the order of the kernel's memory."""
    ordered = tensor if kernel.is_contiguous() else tensor.permute(0, 2, 3, 1)
    return ordered.reshape(tensor.shape[0], -1)
