"""The network of any checkpoint, without transformers where that is possible."""

from pathlib import Path
from typing import Any

from torch import nn

from .plain_network import load_plain_network


def load_network(name_or_path: str | Path, variant: str | None = None, **kwargs: Any) -> nn.Module:
    """Load the network of a checkpoint, without transformers where that is possible.

    Args:
        name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, or a Hub id.
        variant: of the weights; `None` for the default.
        kwargs: as for [`load_model`].

    Raises:
        OSError, DamagedCheckpointError: as [`load_model`].
    """
    network = None if kwargs else load_plain_network(name_or_path, variant)
    if network is not None:
        return network
    # Not at the top: it imports transformers, which takes longer than a picture.
    from .loading import load_model

    model: nn.Module = load_model(name_or_path, **kwargs | ({"variant": variant} if variant else {}))
    return model
