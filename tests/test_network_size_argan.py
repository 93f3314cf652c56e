import os
import time

import pytest
import torch
from transformers import PreTrainedConfig

from argan_hf import ArganConfig, ArganDiscriminator, ArganDiscriminatorConfig, ArganForImageRestoration
from argan_hf import network_size_argan as network_size
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.loading import load_config

_SHIPPED = sorted(folder.name for folder in CHECKPOINTS.glob("argan-*"))
_RESIDUAL = {"block_type": "residual", "patch_size": 2}


def _build(config: PreTrainedConfig) -> torch.nn.Module:
    kind = ArganDiscriminator if isinstance(config, ArganDiscriminatorConfig) else ArganForImageRestoration
    with torch.device("meta"):
        return kind(config)


@pytest.mark.parametrize(
    "config",
    [
        *map(load_config, _SHIPPED),
        ArganConfig(),
        ArganConfig(hidden_sizes=(5,), num_channels=3),
        ArganConfig(hidden_sizes=(4, 9, 7), num_channels=3),
        ArganConfig(**_RESIDUAL, hidden_sizes=(5,), depths=(0,)),
        ArganConfig(**_RESIDUAL, hidden_sizes=(5, 8, 3), depths=(1, 0, 3), num_channels=3),
        ArganConfig(
            **_RESIDUAL,
            hidden_sizes=(5, 8),
            depths=(2, 1),
            num_channels=3,
            condition_on_quantization=True,
            conditioning_size=6,
        ),
        ArganDiscriminatorConfig(),
        ArganDiscriminatorConfig(num_channels=3, hidden_sizes=(5, 4, 9), normalization="none", conditional=True),
        ArganDiscriminatorConfig(hidden_sizes=(5, 4), wavelet_levels=2, conditional=True),
    ],
)
def test_parameters_are_counted_without_the_network(config: PreTrainedConfig) -> None:
    assert network_size.parameter_count(config) == sum(weight.numel() for weight in _build(config).parameters())


@pytest.mark.parametrize(
    "config",
    [
        ArganConfig(hidden_sizes=(10**6, 10**6)),
        ArganConfig(hidden_sizes=(10**400,)),
        ArganConfig(**_RESIDUAL, hidden_sizes=(8, 8), depths=(10**9, 1)),
        ArganConfig(**_RESIDUAL, hidden_sizes=(1, 1), depths=(1, 10**9)),
        ArganConfig(block_type="residual", hidden_sizes=(8,), depths=(1,), patch_size=10**6),
        ArganConfig(
            **_RESIDUAL, hidden_sizes=(8,), depths=(1,), condition_on_quantization=True, conditioning_size=10**12
        ),
        ArganDiscriminatorConfig(hidden_sizes=(10**6, 10**6)),
        ArganDiscriminatorConfig(wavelet_levels=10**12),
    ],
)
def test_a_network_beyond_the_memory_is_refused_before_it_is_built(config: PreTrainedConfig) -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match="expected at most the memory of this machine") as raised:
        _build(config)
    assert time.perf_counter() - start < 1
    assert len(str(raised.value)) < 300


def test_the_limit_is_the_memory_of_the_machine(residual_config: ArganConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = 2 * 3 + (1 + 1 + 2) + (1 + 1)
    needed = 4 * network_size.parameter_count(residual_config) + 10_000 * blocks
    monkeypatch.setattr(network_size, "physical_memory", lambda: needed)
    ArganForImageRestoration(residual_config)
    monkeypatch.setattr(network_size, "physical_memory", lambda: needed - 1)
    with pytest.raises(ValueError, match="use smaller hidden_sizes or depths"):
        ArganForImageRestoration(residual_config)


def test_a_system_that_does_not_tell_its_memory_has_a_fixed_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sysconf"):
        assert network_size.physical_memory() > 10**8
        monkeypatch.delattr(os, "sysconf")
    assert network_size.physical_memory() == 64 * 10**9
