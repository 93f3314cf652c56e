"""The losses of the paper, one function per equation, and the one that residual networks start with.

D is given as logits: log D = logsigmoid(logit) and log(1 - D) = logsigmoid(-logit), which stay finite where the
printed forms overflow. Every function returns a scalar, the mean over the batch.
"""

from torch import Tensor
from torch.nn import functional as F


def minimax_value(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 1, the value that D raises and G lowers: E[log D(y)] + E[log(1 - D(G(x)))]. Logits of any shape."""
    return F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()


def l2_loss(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Eq. 2, E||y - G(x)||^2, as a mean over samples; both (B, C, H, W) in 0..1."""
    return F.mse_loss(reconstruction.float(), original.float())


def charbonnier_loss(reconstruction: Tensor, original: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt((y - G(x))^2 + epsilon^2), a smooth L1; both (B, C, H, W) in 0..1. Not in the paper."""
    return ((reconstruction.float() - original.float()).square() + epsilon**2).sqrt().mean()


def generator_loss(
    fake_logits: Tensor, reconstruction: Tensor, original: Tensor, lambda_l2: float, *, saturating: bool = True
) -> Tensor:
    """Eq. 3, log(1 - D(G(x))) + lambda (y - G(x))^2.

    Args:
        fake_logits: D's logits of G(x), any shape.
        reconstruction, original: (B, C, H, W) in 0..1.
        lambda_l2: weight of the squared error (a mean over samples).
        saturating: log(1 - D) as printed; `False` for -log D, which has the same fixed point and larger gradients
            while D wins.
    """
    adversarial = F.logsigmoid(-fake_logits).mean() if saturating else -F.logsigmoid(fake_logits).mean()
    return adversarial + lambda_l2 * l2_loss(reconstruction, original)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 4, -log D(y) - log(1 - D(G(x))). Logits of any shape."""
    return -minimax_value(real_logits, fake_logits)
