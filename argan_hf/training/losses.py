"""The losses of the paper, one function per equation, and more for the residual networks.

The functions take the logits of D. In this form, log D = logsigmoid(logit) and log(1 - D) = logsigmoid(-logit) stay
finite where the printed forms overflow. Every function returns a scalar, averaged over the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# Lowest frequency of fine texture in cycles per pixel, as in `high_frequency_ratio`.
_FINE = 0.25
# Half a gray level: an 8-bit picture cannot show weaker texture.
_FAINT = 0.5 / 255
# Texture up to this strength is mostly camera noise, which JPEG discards. A deterministic network cannot predict noise.
# If the loss asks for it, the network draws stripes into skies and skin instead.
_GRAIN = 2.0 / 255
# Crops whose texture is weaker than this get less weight.
_WEAK = 6.0 / 255


def minimax_value(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 1, the value that D raises and G lowers: E[log D(y)] + E[log(1 - D(G(x)))]. Logits of any shape."""
    return F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()


def l2_loss(reconstruction: Tensor, original: Tensor, weights: Tensor | None = None) -> Tensor:
    """Eq. 2, E||y - G(x)||^2, averaged over samples instead of summed.

    Args:
        reconstruction, original: (B, C, H, W) in 0..1.
        weights: (B,), weights of the crops, which are not in the paper; `None`: 1.
    """
    if weights is None:
        return F.mse_loss(reconstruction.float(), original.float())
    error = (reconstruction.float() - original.float()).square().flatten(1).mean(1)  # (B,)
    return (error * weights).mean()


def balance_weights(degraded: Tensor, original: Tensor, balance: float) -> Tensor:
    """Weights of crops for [`l2_loss`]: 1 / (squared error of the degraded crop) to the power of `balance`.

    Not in the paper. A balance of 0 gives Eq. 2, in which strongly compressed crops have up to a thousand times the
    weight of lightly compressed ones. With 1, the same gain in dB counts the same for every crop. Half a gray level,
    squared, is added to the error of the input, so that crops with a tiny error do not dominate.

    Args:
        degraded, original: (B, C, H, W) in 0..1.
        balance: 0..1.

    Returns:
        (B,).
    """
    base = (degraded.float() - original.float()).square().flatten(1).mean(1)  # (B,)
    return (base + _FAINT**2) ** -balance


def border_loss(reconstruction: Tensor, original: Tensor, offset: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared error of the steps across the borders of the JPEG's 8x8 blocks. Not in the paper.

    A step is the difference between two neighboring samples. PSNR-B counts what is left of the blocks by such steps.

    Args:
        reconstruction, original: (B, C, H, W) in 0..1, H and W at least 9.
        offset: integers (B, 2), rows and columns by which the grid of blocks starts before the crop.
        weights: (B,), weights of the crops; `None`: 1.
    """
    error = reconstruction.float() - original.float()
    total = torch.zeros(error.shape[0], device=error.device)  # (B,)
    for axis, dim in ((0, 2), (1, 3)):
        steps = error.diff(dim=dim).square().mean(5 - dim).mean(1)  # (B, H - 1), or (B, W - 1)
        place = torch.arange(1, error.shape[dim], device=error.device) + offset[:, axis, None]  # of the later sample
        border = (place % 8 == 0).to(steps.dtype)
        total = total + (steps * border).sum(1) / border.sum(1)
    return (total if weights is None else total * weights).mean() / 2


def charbonnier_loss(reconstruction: Tensor, original: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt((y - G(x))^2 + epsilon^2), a smooth L1; both (B, C, H, W) in 0..1. Not in the paper."""
    return ((reconstruction.float() - original.float()).square() + epsilon**2).sqrt().mean()


def texture_loss(reconstruction: Tensor, original: Tensor) -> Tensor:
    """Squared difference between the strengths of fine luma texture in restored and original crops. Not in the paper.

    Strength is the root mean square over frequencies above a quarter cycle per pixel; the power of camera noise is
    subtracted from that of the original. Only the strength is compared, not the position of the texture. The squared
    difference is divided by the mean square of the original's texture plus a constant, crop by crop.

    The gradient is not that of the value. It points along the texture of the original; the derivative of the formula
    would point along the texture that the reconstruction already has. The network therefore amplifies texture that it
    can predict, which raises the squared error least. Where it can predict nothing, it has no incentive to invent a
    pattern.

    Args:
        reconstruction, original: (B, C, H, W) in 0..1; only the first channel (luma) is used.
    """
    # 1. Mask of fine frequencies, and the window. The DFT takes a crop for one period of a periodic signal: without the
    #    window, the jumps at its borders would be its strongest texture.
    height, width = original.shape[-2:]
    rows, columns = torch.fft.fftfreq(height, device=original.device), torch.fft.rfftfreq(width, device=original.device)
    fine = (rows[:, None].square() + columns.square()).sqrt() > _FINE  # (H, W // 2 + 1)
    window = torch.hann_window(height, device=original.device)[:, None] * torch.hann_window(
        width, device=original.device
    )  # (H, W)
    # From sums over half a spectrum to means over the pixels without the window (Parseval).
    weight = 2.0 / (window.square().mean() * (height * width) ** 2)

    def spectrum(planes: Tensor) -> Tensor:
        luma = planes[:, 0].float()  # (B, H, W)
        return torch.view_as_real(torch.fft.rfft2((luma - luma.mean((1, 2), keepdim=True)) * window) * fine)

    def product(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).sum((1, 2, 3)) * weight

    # 2. Spectra of the windowed luma.
    restored, wanted = spectrum(reconstruction), spectrum(original)  # (B, H, W // 2 + 1, 2)
    # 3. Strengths; no gradient flows through them.
    wanted_power = (product(wanted, wanted) - _GRAIN**2).clamp(min=0.0)  # (B,)
    strength, wanted_strength = (
        (power + _FAINT**2).sqrt() for power in (product(restored.detach(), restored.detach()), wanted_power)
    )  # (B,) both
    scale = wanted_power + _WEAK**2  # (B,)
    excess = strength - wanted_strength  # (B,)
    # 4. The value is that of the first term; the gradient is that of `pull`, along the texture of the original.
    pull = 2.0 * excess * product(restored, wanted) / scale.pow(1.5)  # (B,)
    return (excess.square() / scale + pull - pull.detach()).mean()


def generator_loss(fake_logits: Tensor, l2: Tensor, lambda_l2: float, *, saturating: bool = True) -> Tensor:
    """Eq. 3, log(1 - D(G(x))) + lambda (y - G(x))^2.

    Args:
        fake_logits: D's logits of G(x), any shape.
        l2: scalar, the squared error, [`l2_loss`].
        lambda_l2: its weight.
        saturating: log(1 - D) as printed; `False` for -log D, which has the same fixed point, and larger gradients
            while D rejects the output of G with confidence.
    """
    adversarial = F.logsigmoid(-fake_logits).mean() if saturating else -F.logsigmoid(fake_logits).mean()
    return adversarial + lambda_l2 * l2


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Eq. 4, -log D(y) - log(1 - D(G(x))). Logits of any shape."""
    return -minimax_value(real_logits, fake_logits)
