"""The network of any checkpoint, without transformers where that is possible."""

from pathlib import Path
from typing import Any

from torch import nn

from .checkpoint_files import locate
from .plain_network import load_plain_network
from .spandrel_weights import is_weights_file, load_spandrel_network


def load_network(name_or_path: str | Path, variant: str | None = None, **kwargs: Any) -> nn.Module:
    """Load the network of a checkpoint, without transformers where that is possible.

    Args:
        name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, a Hub id, or a file of weights
            of others.
        variant: of the weights; `None` for the default.
        kwargs: as for [`load_model`].

    Raises:
        OSError, DamagedCheckpointError: as [`load_model`].
        FileNotFoundError: if a file of weights is to have a variant, or other options of the Hub.
        UnsupportedNetworkError, ImportError: as [`load_spandrel_network`].
    """
    if is_weights_file(locate(name_or_path)):
        if variant or kwargs:
            raise FileNotFoundError(f"{name_or_path} is a file, which has neither variants nor revisions")
        return load_spandrel_network(name_or_path)
    network = None if kwargs else load_plain_network(name_or_path, variant)
    if network is not None:
        return network
    # Not at the top: it imports transformers, which takes longer than a picture.
    from .loading import load_model

    model: nn.Module = load_model(name_or_path, **kwargs | ({"variant": variant} if variant else {}))
    return model
