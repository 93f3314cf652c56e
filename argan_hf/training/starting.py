"""The network that a run starts from: that of a checkpoint, as it is or with more blocks."""

import torch
from transformers import AutoModelForImageToImage, PreTrainedConfig, PreTrainedModel

from ..loading import load_model


@torch.no_grad()
def start_from(name_or_path: str, config: PreTrainedConfig) -> PreTrainedModel:
    """A network with the weights of a checkpoint, which may have fewer blocks than its configuration says.

    The last convolution of a residual block starts with zeros, so the blocks that are added give what they get, and the
    larger network gives exactly what the checkpoint's gives.

    Args:
        name_or_path: of the checkpoint, see [`load_model`].
        config: of the network.

    Raises:
        ValueError: if the weights do not fit into it, for instance because a level has other widths.
        OSError: if there is no such checkpoint.
    """
    known = load_model(name_or_path)
    grown: PreTrainedModel = AutoModelForImageToImage.from_config(config)
    own, given = grown.state_dict(), known.state_dict()
    for name, tensor in given.items():
        if name not in own or own[name].shape != tensor.shape:
            found = "none" if name not in own else str(tuple(own[name].shape))
            raise ValueError(
                f"a network of the configuration in --model cannot start from {name_or_path}: its {name} must have the "
                f"shape {tuple(tensor.shape)}, found {found}; only depths may grow"
            )
    grown.load_state_dict(given, strict=False)
    grown.config.name_or_path = grown.name_or_path = known.name_or_path
    return grown
