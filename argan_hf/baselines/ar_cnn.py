"""AR-CNN (Dong, Deng, Loy, Tang; ICCV 2015), the first convolutional network for this task, as a model of transformers.

Four layers with kernels of 9-7-1-5 and 64-32-16-1 channels map decoded luma directly to restored luma; ReLU follows all
but the last. The input is padded once by the radius of the receptive field, by repeating its border.
"""

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init

from ..modeling_argan import ArganOutput


@strict
class ArCnnConfig(PreTrainedConfig):
    """Configuration of [`ArCnnForImageRestoration`]; the defaults are the published network.

    Args:
        kernel_sizes: sides of the kernels, which are odd, first layer first.
        hidden_sizes: channels between the layers, one number less than kernels.
    """

    model_type = "ar_cnn"

    kernel_sizes: list[int] | tuple[int, ...] = (9, 7, 1, 5)
    hidden_sizes: list[int] | tuple[int, ...] = (64, 32, 16)

    num_channels: int = 1
    condition_on_quantization: bool = False

    def validate_layers(self) -> None:
        if len(self.kernel_sizes) != len(self.hidden_sizes) + 1 or any(size % 2 == 0 for size in self.kernel_sizes):
            raise ValueError(
                "kernel_sizes must be odd and one more than hidden_sizes, "
                f"found {self.kernel_sizes} and {self.hidden_sizes}"
            )

    @property
    def size_divisor(self) -> int:
        """Pictures of any size are processed without padding to multiples."""
        return 1


class ArCnnConv2d(nn.Conv2d):
    """A convolution that is initialized so that its first output channel is a copy of its first input channel."""


class ArCnnForImageRestoration(PreTrainedModel):
    """Removes JPEG artifacts from luma; one network per quality, as in the paper."""

    config_class = ArCnnConfig
    base_model_prefix = "ar_cnn"
    main_input_name = "pixel_values"
    input_modalities = ("image",)

    def __init__(self, config: ArCnnConfig) -> None:
        super().__init__(config)
        widths = [config.num_channels, *config.hidden_sizes, config.num_channels]
        layers: list[nn.Module] = []
        for index, size in enumerate(config.kernel_sizes):
            layers += [ArCnnConv2d(widths[index], widths[index + 1], size), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])
        self.border = sum(size // 2 for size in config.kernel_sizes)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, ArCnnConv2d):
            # Before training, the network is the identity: luma is not negative, so ReLU does not change it. Training
            # then only has to learn the difference between input and original.
            init.kaiming_normal_(module.weight, nonlinearity="relu")
            weight = module.weight.clone()
            weight[0] = 0.0
            weight[0, 0, module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1.0
            init.copy_(module.weight, weight)

    def forward(
        self,
        pixel_values: Tensor,
        quantization: Tensor | None = None,  # noqa: ARG002  (passed to every network, used by some)
        labels: Tensor | None = None,
    ) -> ArganOutput:
        """Restore luma.

        Args:
            pixel_values: float (B, 1, H, W) in 0..1, any H, W >= 1.
            quantization: ignored; the network is blind (not conditioned on quantization tables).
            labels: float (B, 1, H, W) in 0..1, the original luma; if given, the output has a `loss`, the mean squared
                error.
        """
        padded = F.pad(pixel_values.to(self.dtype), (self.border,) * 4, mode="replicate")
        reconstruction = self.layers(padded).to(pixel_values.dtype)
        loss = None if labels is None else F.mse_loss(reconstruction.float(), labels.float())
        return ArganOutput(loss=loss, reconstruction=reconstruction)
