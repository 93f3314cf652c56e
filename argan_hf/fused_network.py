"""Runs the residual U-Net on x86 CPUs with fused operations; in bfloat16 that takes half of the time of its modules.

At full size the network has few channels, so that memory decides: a ReLU or a sum of its own costs as much as the
convolution before it. oneDNN adds a bias, a ReLU or a sum to the result of a convolution while that is in the cache.
PyTorch has operators for that, with which its compiler replaces modules. Here they are called directly, because the
compiler takes minutes for every size of picture.

On CPUs without vectors of 512 bits arithmetic decides, where there are many channels. There NNPACK's convolutions are
used: Winograd's algorithm needs a fifth of the multiplications, and a few additions for each.

The results differ from those of the modules by rounding: in float32 by less than a thousandth of a gray level; in
bfloat16, where sums are now rounded once, not twice, by less than one.
"""

from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .cpu_features import computes_bfloat16, fuses_convolutions, has_avx512
from .network_argan import ArganResidualBlock, ArganResidualUNet

# Channels from which on Winograd's transformations cost less than they save.
_LEAST_CHANNELS = 64
# Smaller feature maps are not worth a transformation of 8x8.
_LEAST_SIDE = 16
_ONE = [1, 1]

_known: "WeakKeyDictionary[nn.Module, tuple[tuple[object, ...], FusedUNet]]" = WeakKeyDictionary()


def fused(network: nn.Module | None, device: torch.device, dtype: torch.dtype) -> "FusedUNet | None":
    """The fused form of a network; it is kept until the network is gone or its weights change.

    Args:
        network: any; only an [`ArganResidualUNet`] in float32 has such a form.
        device: where it runs.
        dtype: of the convolutions, float32 or bfloat16.

    Returns:
        `None` where there is none: other networks, devices and dtypes, and bfloat16 without instructions for it.
    """
    if device.type != "cpu" or not isinstance(network, ArganResidualUNet) or not fuses_convolutions():
        return None
    if dtype != torch.float32 and not (dtype == torch.bfloat16 and computes_bfloat16()):
        return None
    weights = list(network.parameters())
    # The layout of a feature map of one channel is ambiguous to oneDNN.
    if any(weight.dtype != torch.float32 for weight in weights) or min(network.widths) < 2:
        return None
    # Weights can be changed in place, by training for instance, which not every way of doing so leaves a trace of.
    state = (dtype, *(float(weight.detach().sum(dtype=torch.float64)) for weight in weights))
    known = _known.get(network)
    if known is None or known[0] != state:
        known = _known[network] = (state, FusedUNet(network, dtype))
    return known[1]


class _Convolution:
    """Weights of a convolution in the dtype and the layout in which they are used."""

    def __init__(self, module: nn.Conv2d | nn.ConvTranspose2d, dtype: torch.dtype) -> None:
        self.weight = module.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.exact_bias = _detached_bias(module)  # float32
        self.bias = self.exact_bias.to(dtype)
        self.padding, self.stride = list(module.padding), list(module.stride)

    def biased(self, more: Tensor | None) -> Tensor:
        """The bias, with another one added."""
        return self.bias if more is None else (self.exact_bias + more).to(self.bias.dtype)

    def __call__(self, hidden: Tensor, attribute: str = "none", more: Tensor | None = None) -> Tensor:
        """The convolution of (1, C, H, W), channels last, its bias (and `more`, (C',)), and "none" or "relu"."""
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            hidden, self.weight, self.biased(more), self.padding, self.stride, _ONE, 1, attribute, [], ""
        )
        return result

    def add_to(self, total: Tensor, hidden: Tensor) -> Tensor:
        """`total` (1, C', H, W) with the convolution of (1, C, H, W) added, in place; both with channels last."""
        result: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            *(total, hidden, self.weight, self.bias, self.padding, self.stride, _ONE, 1),
            *("add", 1.0, None, [], None),
        )
        return result


class _WinogradConvolution:
    """The same for a 3x3 convolution by NNPACK, on feature maps (B, C, H, W) in the default layout."""

    def __init__(self, module: nn.Conv2d) -> None:
        self.weight, self.bias = module.weight.detach().contiguous(), _detached_bias(module)

    def __call__(self, hidden: Tensor) -> Tensor:
        return torch._nnpack_spatial_convolution(hidden, self.weight, self.bias, padding=1, stride=1)


class _Stage:
    """The residual blocks of a level."""

    def __init__(self, stage: nn.Module, dtype: torch.dtype) -> None:
        pairs = [(block.conv1, block.conv2) for block in stage.children() if isinstance(block, ArganResidualBlock)]
        self.blocks = [(_Convolution(first, dtype), _Convolution(second, dtype)) for first, second in pairs]
        pays = all(_pays(module, dtype) for pair in pairs for module in pair)
        self.winograd = [(_WinogradConvolution(a), _WinogradConvolution(b)) for a, b in pairs] if pays else []

    def __call__(self, hidden: Tensor) -> Tensor:
        """`hidden` (1, w, H / h, W / h), changed in place or copied; channels last."""
        if self.winograd and min(hidden.shape[2:]) >= _LEAST_SIDE:
            hidden = hidden.contiguous()
            for first, second in self.winograd:
                hidden.add_(second(first(hidden).relu_()))
            return hidden.contiguous(memory_format=torch.channels_last)
        for conv1, conv2 in self.blocks:
            hidden = conv2.add_to(hidden, conv1(hidden, "relu"))
        return hidden


class FusedUNet:
    """An [`ArganResidualUNet`] for inference.

    Args:
        unet: on the CPU, in float32. Later changes of its weights are not seen.
        dtype: of the convolutions, float32 or bfloat16.
    """

    def __init__(self, unet: ArganResidualUNet, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.num_channels, self.patch_size = unet.num_channels, unet.patch_size
        self.embedding = unet.embedding
        self.stem, self.head = _Convolution(unet.stem, dtype), _Convolution(unet.head, dtype)
        self.encoder, self.decoder = ([_Stage(stage, dtype) for stage in part] for part in (unet.encoder, unet.decoder))
        self.down = [_Convolution(step, dtype) for step in unet.down if isinstance(step, nn.Conv2d)]
        self.up = [_Convolution(step, dtype) for step in unet.up if isinstance(step, nn.ConvTranspose2d)]

    def __call__(self, pixel_values: Tensor, quantization: Tensor | None = None) -> Tensor:
        """Restored planes of one picture, as [`ArganResidualUNet.forward`] gives them.

        Args:
            pixel_values: float32 (1, C, H, W), H and W multiples of the size divisor.
            quantization: (1, C, 8, 8), zeros where a table is unknown; `None` if all are.
        """
        # 1. What the tables add to feature maps goes into the biases of the convolutions that make them.
        biases: list[Tensor | None] = [None] * (2 * len(self.encoder) - 1)
        if self.embedding is not None:
            if quantization is None:
                quantization = pixel_values.new_zeros(1, self.num_channels, 8, 8)
            biases = [bias.flatten() for bias in self.embedding(quantization)]
        # 2. Patches folded into channels, centered on 0.
        folded = F.pixel_unshuffle(pixel_values - 0.5, self.patch_size)
        hidden = self.stem(folded.to(self.dtype, memory_format=torch.channels_last), more=biases[0])
        # 3. Encoder.
        skips = []
        for level, stage in enumerate(self.encoder):
            hidden = stage(hidden)
            if level < len(self.down):
                skips.append(hidden)
                hidden = self.down[level](hidden, more=biases[level + 1])
        # 4. Decoder.
        for level in reversed(range(len(self.decoder))):
            up = self.up[level]
            hidden = F.conv_transpose2d(hidden, up.weight, up.biased(biases[-1 - level]), stride=2)
            hidden = self.decoder[level](hidden.add_(skips.pop()))
        # 5. Global skip.
        residual = F.pixel_shuffle(self.head(hidden).float(), self.patch_size)
        return residual.add_(pixel_values)


def _detached_bias(module: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    if module.bias is None:
        raise ValueError("a convolution of a residual network has a bias, found none")
    return module.bias.detach()


def _pays(module: nn.Conv2d, dtype: torch.dtype) -> bool:
    """Whether NNPACK is faster than oneDNN for a 3x3 convolution."""
    wide = min(module.in_channels, module.out_channels) >= _LEAST_CHANNELS
    # This call also prepares NNPACK.
    return wide and dtype == torch.float32 and not has_avx512() and torch._nnpack_available()
