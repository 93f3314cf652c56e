"""The losses of the paper, one function per equation, and three that residual networks are trained with.

D is given as logits: log D = logsigmoid(logit) and log(1 - D) = logsigmoid(-logit), which stay finite where the
printed forms overflow. Every function returns a scalar, the mean over the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# Cycles per pixel, as in `high_frequency_ratio`.
_FINE = 0.25
# Texture weaker than half a gray level is nothing that an 8-bit picture could show.
_FAINT = 0.5 / 255
# What is no stronger is a camera's grain, of which a file says nothing. Asked for it, a network without a source of
# chance draws lines through skies and skin.
_GRAIN = 2.0 / 255
# Crops with less texture than this count less.
_WEAK = 6.0 / 255


def minimax_value(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 1, the value that D raises and G lowers: E[log D(y)] + E[log(1 - D(G(x)))]. Logits of any shape."""
    return F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()


def l2_loss(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Eq. 2, E||y - G(x)||^2, as a mean over samples; both (B, C, H, W) in 0..1."""
    return F.mse_loss(reconstruction.float(), original.float())


def balanced_l2_loss(reconstruction: Tensor, original: Tensor, degraded: Tensor, balance: float) -> Tensor:
    """Eq. 2 with every crop's squared error divided by that of its input to the power of `balance`. Not in the paper.

    0 is Eq. 2 itself, where strongly compressed crops outweigh lightly compressed ones a thousand times; with 1, the
    gain in dB counts alike for all. Errors of the input below half a gray level count as half a gray level.

    Args:
        reconstruction, original, degraded: (B, C, H, W) in 0..1.
        balance: 0..1.
    """
    error = (reconstruction.float() - original.float()).square().flatten(1).mean(1)
    base = (degraded.float() - original.float()).square().flatten(1).mean(1)
    return (error / (base + _FAINT**2) ** balance).mean()


def charbonnier_loss(reconstruction: Tensor, original: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt((y - G(x))^2 + epsilon^2), a smooth L1; both (B, C, H, W) in 0..1. Not in the paper."""
    return ((reconstruction.float() - original.float()).square() + epsilon**2).sqrt().mean()


def texture_loss(reconstruction: Tensor, original: Tensor) -> Tensor:
    """How far the strength of luma's fine texture is from the original's, wherever it is. Not in the paper.

    Strength is the root mean square of frequencies above a quarter cycle per pixel, the original's without what grain
    alone would have; differences are squared and taken relative to the original's mean square, crop by crop.

    The gradient points along the original's texture, not along the reconstruction's own, which is what the formula
    alone would give. So a network amplifies what it can predict, which costs the least squared error, and where
    nothing can be predicted it is not driven to make up a pattern for the sake of its strength.

    Args:
        reconstruction, original: (B, C, H, W) in 0..1; only the first channel counts.
    """
    height, width = original.shape[-2:]
    rows, columns = torch.fft.fftfreq(height, device=original.device), torch.fft.rfftfreq(width, device=original.device)
    fine = (rows[:, None].square() + columns.square()).sqrt() > _FINE
    # A crop is no period: without the window, its borders would be the strongest texture of all.
    window = torch.hann_window(height, device=original.device)[:, None] * torch.hann_window(
        width, device=original.device
    )
    weight = 2.0 / (window.square().mean() * (height * width) ** 2)

    def spectrum(planes: Tensor) -> Tensor:
        luma = planes[:, 0].float()
        return torch.view_as_real(torch.fft.rfft2((luma - luma.mean((1, 2), keepdim=True)) * window) * fine)

    def product(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).sum((1, 2, 3)) * weight

    restored, wanted = spectrum(reconstruction), spectrum(original)
    wanted_power = (product(wanted, wanted) - _GRAIN**2).clamp(min=0.0)
    strength, wanted_strength = (
        (power + _FAINT**2).sqrt() for power in (product(restored.detach(), restored.detach()), wanted_power)
    )
    scale = wanted_power + _WEAK**2
    excess = strength - wanted_strength
    # Worth nothing by itself: it only turns the gradient from the reconstruction's texture to the original's.
    pull = 2.0 * excess * product(restored, wanted) / scale.pow(1.5)
    return (excess.square() / scale + pull - pull.detach()).mean()


def generator_loss(fake_logits: Tensor, l2: Tensor, lambda_l2: float, *, saturating: bool = True) -> Tensor:
    """Eq. 3, log(1 - D(G(x))) + lambda (y - G(x))^2.

    Args:
        fake_logits: D's logits of G(x), any shape.
        l2: the squared error, of Eq. 2 or balanced.
        lambda_l2: its weight.
        saturating: log(1 - D) as printed; `False` for -log D, which has the same fixed point and larger gradients
            while D wins.
    """
    adversarial = F.logsigmoid(-fake_logits).mean() if saturating else -F.logsigmoid(fake_logits).mean()
    return adversarial + lambda_l2 * l2


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 4, -log D(y) - log(1 - D(G(x))). Logits of any shape."""
    return -minimax_value(real_logits, fake_logits)
