"""Loads the network of a local checkpoint without transformers.

Importing transformers takes longer than restoring a picture. Only what is beyond doubt is loaded here: a folder with
the configuration of a generator, every entry of which is known, and weights that fit it exactly. All else is left to
`loading.py`, which has the Hub and says what is wrong.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from .checkpoint_files import locate, weights_name
from .network_argan import NetworkConfig, build_network, is_tile_margin, restore_planes

_MODEL_TYPE = "argan"
# Entries that do not change the network.
_OTHER_ENTRIES = ("model_type", "architectures", "auto_map", "dtype", "transformers_version", "initializer_range")
_DTYPES = (None, "float16", "bfloat16", "float32")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COUNTER = "num_batches_tracked"


class Reconstruction(NamedTuple):
    """Output of [`PlainNetwork`].

    Attributes:
        reconstruction: float (B, C, H, W), the restored planes; nominally 0..1, not clamped.
    """

    reconstruction: Tensor


class PlainNetwork(nn.Module):
    """A generator as a plain module: the same weights, names and results as [`ArganForImageRestoration`]."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = build_network(config)

    def forward(self, pixel_values: Tensor, quantization: Tensor | None = None) -> Reconstruction:
        """Restore planes.

        Args:
            pixel_values, quantization: as for [`ArganForImageRestoration`].

        Raises:
            ValueError: if the planes are not what the configuration expects.
        """
        return Reconstruction(restore_planes(self.unet, self.config, pixel_values, quantization))


def load_plain_network(name_or_path: str | Path, variant: str | None = None) -> PlainNetwork | None:
    """The network of a checkpoint of this package or of a local folder, in float32.

    Args:
        name_or_path: see [`locate`].
        variant: of the weights; `None` for the default.

    Returns:
        `None` where anything is missing, unknown or wrong.
    """
    folder = Path(locate(name_or_path))
    try:
        config = _config_of(json.loads((folder / "config.json").read_bytes()))
        return None if config is None else _load(config, folder / weights_name(variant))
    except (OSError, RecursionError, RuntimeError, SafetensorError, ValueError):
        return None


def _load(config: NetworkConfig, path: Path) -> PlainNetwork | None:
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
    # A wrong number in a configuration would build blocks for hours.
    if 2 * sum(config.depths) + len(config.hidden_sizes) > len(weights):
        return None
    with torch.device("meta"):
        network = PlainNetwork(config)
    for name, expected in network.state_dict().items():
        found = weights.get(name)
        if found is None or found.shape != expected.shape:
            return None
        if name.endswith(_COUNTER):
            continue
        if found.dtype not in _FLOATS or not bool(found.isfinite().all()):
            return None
        weights[name] = found.float()
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval()


def _config_of(entries: Any) -> NetworkConfig | None:
    """The configuration that the entries of a `config.json` describe."""
    if not isinstance(entries, dict) or entries.get("model_type") != _MODEL_TYPE:
        return None
    values = {name: value for name, value in entries.items() if name not in _OTHER_ENTRIES}
    required = {field.name for field in fields(NetworkConfig)} - {"tile_margin"}
    if not required <= values.keys() <= required | {"tile_margin"} or entries.get("dtype") not in _DTYPES:
        return None
    is_known = (
        _are_counts(values["hidden_sizes"], 1)
        and _are_counts(values["depths"], 0)
        and _are_counts([values[name] for name in ("num_channels", "patch_size", "conditioning_size")], 1)
        and (values.get("tile_margin") is None or _are_counts([values["tile_margin"]], 0))
        and isinstance(values["condition_on_quantization"], bool)
        and isinstance(values["negative_slope"], float)
    )
    if not is_known or not _belong_together(values):
        return None
    config = NetworkConfig(**values)
    margin = config.tile_margin
    return config if margin is None or is_tile_margin(margin, config.size_divisor) else None


def _are_counts(values: object, least: int) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= least for value in values)


def _belong_together(values: dict[str, Any]) -> bool:
    """As [`ArganConfig`] checks it."""
    levels, depths = values["hidden_sizes"], values["depths"]
    if not levels or values["num_channels"] not in (1, 3):
        return False
    if values["block_type"] == "residual":
        return len(depths) == len(levels)
    is_plain: bool = values["block_type"] == "plain" and not depths
    return is_plain and values["patch_size"] == 1 and not values["condition_on_quantization"]
