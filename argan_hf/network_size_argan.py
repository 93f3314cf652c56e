"""How much memory a network would take, computed from its configuration alone, before anything is built.

A `config.json` is a few bytes that can ask for any amount of memory. Without this, a wrong number in it would fill the
memory of the machine, or build blocks for hours.

This file is published on the Hub as remote code. It may import only the standard library and the other published files
(`*_argan.py`).
"""

import itertools
import os

from .configuration_argan import ArganConfig, ArganDiscriminatorConfig

_BYTES_PER_PARAMETER = 4
# Modules, parameters and hooks of a block are Python objects, whatever its width.
_BYTES_PER_BLOCK = 10_000
# Where the system does not say how much memory it has.
_ASSUMED_MEMORY = 64 * 10**9


def check_memory(config: ArganConfig | ArganDiscriminatorConfig) -> None:
    """Refuse a network that would not fit into the physical memory of this machine.

    Raises:
        ValueError: if it would not.
    """
    needed = _BYTES_PER_PARAMETER * parameter_count(config) + _BYTES_PER_BLOCK * _block_count(config)
    available = physical_memory()
    if needed > available:
        raise ValueError(
            f"this configuration asks for a network of {_gigabytes(needed)}, expected at most the memory of this "
            f"machine, {_gigabytes(available)}: use smaller hidden_sizes or depths"
        )


def parameter_count(config: ArganConfig | ArganDiscriminatorConfig) -> int:
    """Number of the parameters of the network that a configuration describes."""
    if isinstance(config, ArganDiscriminatorConfig):
        return _discriminator_parameters(config)
    return _plain_parameters(config) if config.block_type == "plain" else _residual_parameters(config)


def physical_memory() -> int:
    """Bytes of memory of this machine, or a fixed number where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # There is no sysconf on Windows, and not every system knows these names.
    except (AttributeError, OSError, ValueError):
        return _ASSUMED_MEMORY


def _plain_parameters(config: ArganConfig) -> int:
    widths, planes = list(config.hidden_sizes), config.num_channels
    # Convolutions have a bias or a BatchNorm with two numbers per channel.
    encoder = 16 * planes * widths[0] + widths[0] + sum(16 * a * b + 2 * b for a, b in itertools.pairwise(widths))
    # All decoder layers but the first get a skip connection beside what comes from below.
    incoming = [*(2 * width for width in widths[:-1]), widths[-1]]
    decoder = sum(16 * a * b + 2 * b for a, b in zip(incoming[1:], widths[:-1], strict=True))
    return encoder + decoder + 16 * incoming[0] * planes + planes


def _residual_parameters(config: ArganConfig) -> int:
    widths, depths = list(config.hidden_sizes), list(config.depths)
    folded = config.num_channels * config.patch_size**2
    blocks = [2 * depth * (9 * width**2 + width) for width, depth in zip(widths, depths, strict=True)]
    ends = 9 * folded * widths[0] + widths[0] + 9 * widths[0] * folded + folded
    steps = sum(8 * a * b + a + b for a, b in itertools.pairwise(widths))
    total = ends + steps + sum(blocks) + sum(blocks[:-1])
    if config.condition_on_quantization:
        hidden = config.conditioning_size
        biases = sum(widths) + sum(widths[:-1])
        total += config.num_channels * 65 * hidden + hidden + hidden * biases + biases
    return total


def _discriminator_parameters(config: ArganDiscriminatorConfig) -> int:
    widths = [config.input_channels, *config.hidden_sizes]
    per_channel = 2 if config.normalization == "batch" else 1
    layers = sum(
        16 * a * b + (per_channel if level else 1) * b for level, (a, b) in enumerate(itertools.pairwise(widths))
    )
    total: int = layers + 16 * widths[-1] + 1
    return total


def _block_count(config: ArganConfig | ArganDiscriminatorConfig) -> int:
    depths = list(getattr(config, "depths", ()))
    count: int = 2 * len(config.hidden_sizes) + sum(depths) + sum(depths[:-1])
    return count


def _gigabytes(size: int) -> str:
    # Numbers of a configuration can have thousands of digits.
    return f"{size / 10**9:,.1f} GB" if size < 10**15 else "more than 1,000,000 GB"


__all__ = ["check_memory", "parameter_count", "physical_memory"]
