"""The optimizers of a network: Adam for everything, or Muon for convolution kernels and Adam for the rest.

Muon orthogonalizes its updates, so that they have about the same size in all directions of a kernel. A few directions
dominate the updates of Adam. A step of Muon takes longer.
"""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import ArganTrainingArguments
from .compiling import compiled

# Jordan et al., "Muon" (2024): momentum, and the quintic whose repetition brings singular values near 1.
_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.775, 2.0315)
_REPETITIONS = 5
# The root mean square of an orthogonalized update is brought to that of a usual update of Adam (Liu et al., 2025).
_ADAMS_RMS = 0.2


class KernelMuon(torch.optim.Optimizer):
    """Muon (Jordan, 2024) for convolution kernels, each taken as a matrix: first dimension by all others.

    It takes the steps of `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"` and no weight decay: they are scaled
    to the size of Adam's, so that one learning rate suits both. Kernels of the same shape are orthogonalized together,
    which takes a few large operations instead of many small ones.

    Args:
        kernels: parameters of four dimensions.
        lr: learning rate.
        torch_compile: whether to compile the orthogonalization.
    """

    def __init__(self, kernels: list[nn.Parameter], lr: float, *, torch_compile: bool = False) -> None:
        super().__init__(kernels, {"lr": lr})
        self._orthogonalize: Callable[[Tensor], Tensor] = orthogonalize
        if torch_compile:
            self._orthogonalize = compiled(orthogonalize)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update the kernels by their gradients."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            # Sorted by shape; the order does not depend on anything else, so that steps are reproducible.
            kernels = sorted((k for k in group["params"] if k.grad is not None), key=_matrix_shape)
            for shape, same in groupby(kernels, key=_matrix_shape):
                self._update(list(same), group["lr"] * _ADAMS_RMS * max(shape) ** 0.5)
        return loss

    def _update(self, kernels: list[Tensor], length: float) -> None:
        """Move K kernels of one shape."""
        # 1. Nesterov momentum.
        gradients = [kernel.grad for kernel in kernels if kernel.grad is not None]
        for kernel in kernels:
            if not self.state[kernel]:
                self.state[kernel]["momentum_buffer"] = torch.zeros_like(kernel)
        buffers = [self.state[kernel]["momentum_buffer"] for kernel in kernels]
        torch._foreach_lerp_(buffers, gradients, 1.0 - _MOMENTUM)
        updates = torch._foreach_lerp(gradients, buffers, _MOMENTUM)
        # 2. All updates together, (K, N, M).
        matrices = self._orthogonalize(
            torch.stack([_as_matrix(update, kernel) for update, kernel in zip(updates, kernels, strict=True)])
        ).float()
        # 3. Back to the shapes of the kernels.
        moved = [_as_kernel(matrix, kernel) for matrix, kernel in zip(matrices, kernels, strict=True)]
        torch._foreach_add_(kernels, moved, alpha=-length)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Bring all singular values of matrices near 1, by Newton and Schulz's iteration.

    Args:
        matrices: float32 (K, N, M).

    Returns:
        bfloat16 (K, N, M).
    """
    # 1. The Gram matrix of the shorter side, R = min(N, M), is the smaller one.
    wide = matrices.shape[1] <= matrices.shape[2]
    x = (matrices if wide else matrices.mT).to(torch.bfloat16)  # (K, R, …)
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    # 2. x <- a x + b (x xT) x + c (x xT)^2 x.
    a, b, c = _QUINTIC
    for _ in range(_REPETITIONS):
        gram = x @ x.mT  # (K, R, R)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT


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
        return [torch.optim.Adam(network.parameters(), learning_rate, betas, fused=True)]
    chosen = set(map(id, kernels))
    rest = [parameter for parameter in network.parameters() if id(parameter) not in chosen]
    return [
        torch.optim.Adam(rest, learning_rate, betas, fused=True),
        KernelMuon(kernels, learning_rate, torch_compile=args.torch_compile),
    ]


def _matrix_shape(kernel: Tensor) -> tuple[int, int]:
    return kernel.shape[0], kernel[0].numel()


def _as_matrix(update: Tensor, kernel: Tensor) -> Tensor:
    """An update (N, C, h, w) as a matrix (N, C * h * w), its columns in the order of the kernel's memory.

    To permute the columns before the orthogonalization is the same as to do so after it.
    """
    return (update if kernel.is_contiguous() else update.permute(0, 2, 3, 1)).reshape(update.shape[0], -1)


def _as_kernel(matrix: Tensor, kernel: Tensor) -> Tensor:
    """The inverse of [`_as_matrix`] for a matrix that came from a kernel with the layout of `kernel`."""
    if kernel.is_contiguous():
        return matrix.reshape(kernel.shape)
    count, channels, height, width = kernel.shape
    return matrix.reshape(count, height, width, channels).permute(0, 3, 1, 2)
