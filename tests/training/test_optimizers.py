import copy
import shutil

import pytest
import torch
from torch import nn

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.optimizers import KernelMuon, build_optimizers

RESIDUAL = {"num_channels": 3, "block_type": "residual", "hidden_sizes": [8, 16], "depths": [1, 1], "patch_size": 2}


def _network(memory_format: torch.memory_format) -> nn.Module:
    torch.manual_seed(0)
    network = ArganForImageRestoration(ArganConfig(**RESIDUAL, condition_on_quantization=True))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape))
    return network.to(memory_format=memory_format)


def _step(network: nn.Module, optimizers: list[torch.optim.Optimizer]) -> None:
    torch.manual_seed(1)
    pixel_values, tables = torch.rand(2, 3, 16, 16), torch.randint(1, 99, (2, 3, 8, 8))
    for optimizer in optimizers:
        optimizer.zero_grad()
    network(pixel_values, tables, labels=pixel_values.flip(2)).loss.backward()
    for optimizer in optimizers:
        optimizer.step()


@pytest.mark.parametrize("name", ["adam", "muon"])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_every_parameter_moves(name: str, memory_format: torch.memory_format) -> None:
    network = _network(memory_format)
    before = copy.deepcopy(network.state_dict())
    _step(network, build_optimizers(network, ArganTrainingArguments(optimizer=name), 1e-3))
    assert [key for key, tensor in network.state_dict().items() if torch.equal(tensor, before[key])] == []


@pytest.mark.parametrize("learning_rate", [1e-3, 1e-2])
def test_kernels_that_meet_pixels_and_all_that_is_no_kernel_keep_adam(learning_rate: float) -> None:
    network = _network(torch.contiguous_format)
    before = copy.deepcopy(network.state_dict())
    _step(network, build_optimizers(network, ArganTrainingArguments(optimizer="muon"), learning_rate))
    by_adam = set()
    for name, parameter in network.named_parameters():
        moved = (parameter.detach() - before[name])[parameter.grad.abs() > 1e-5].abs()
        # Adam's first step is as long as the learning rate, whatever the gradient; an orthogonal one varies.
        if torch.allclose(moved, torch.tensor(learning_rate), rtol=0.01):
            by_adam.add(name)
        else:
            assert moved.square().mean().sqrt() == pytest.approx(0.2 * learning_rate, rel=0.4)
    convolutions = {name for name, parameter in network.named_parameters() if parameter.ndim == 4}
    assert by_adam & convolutions == {"unet.stem.weight", "unet.head.weight"}
    assert by_adam - convolutions == {name for name, _ in network.named_parameters()} - convolutions


def test_the_layout_in_memory_does_not_matter() -> None:
    args = ArganTrainingArguments(optimizer="muon")
    results = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        network = _network(memory_format)
        optimizers = build_optimizers(network, args, 1e-2)
        for _ in range(2):
            _step(network, optimizers)
        results.append(network.state_dict())
    start = _network(torch.contiguous_format).state_dict()
    for key, tensor in results[0].items():
        # Orthogonalized in 16 bits, so sums in another order differ in the third digit.
        torch.testing.assert_close(results[1][key] - start[key], tensor - start[key], atol=1e-3, rtol=0.05)


def test_updates_of_kernels_are_nearly_orthogonal_and_as_long_as_adams() -> None:
    kernel = nn.Parameter(torch.zeros(16, 8, 3, 3))
    optimizer = KernelMuon([kernel], lr=1.0)
    torch.manual_seed(0)
    kernel.grad = torch.randn(kernel.shape) * torch.logspace(0, -1, 16)[:, None, None, None]
    optimizer.step()
    singular = torch.linalg.svdvals(kernel.detach().flatten(1)) / (0.2 * 72**0.5)
    assert singular.min() > 0.6
    assert singular.max() < 1.3
    assert kernel.detach().square().mean().sqrt() == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_steps_are_those_of_torch(memory_format: torch.memory_format) -> None:
    """`torch.optim.Muon`, which takes matrices and one at a time."""
    torch.manual_seed(0)
    shapes = [(16, 8, 3, 3), (8, 16, 3, 3), (16, 8, 3, 3), (32, 16, 2, 2), (4, 96, 1, 1)]
    kernels = [nn.Parameter(torch.randn(shape).to(memory_format=memory_format)) for shape in shapes]
    matrices = [nn.Parameter(kernel.detach().flatten(1).clone()) for kernel in kernels]
    ours = KernelMuon(kernels, lr=1e-2)
    theirs = torch.optim.Muon(matrices, lr=1e-2, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    start = [matrix.detach().clone() for matrix in matrices]
    for _ in range(3):
        for kernel, matrix in zip(kernels, matrices, strict=True):
            kernel.grad = torch.randn(kernel.shape).to(memory_format=memory_format)
            matrix.grad = kernel.grad.flatten(1).clone()
        ours.step()
        theirs.step()
    for kernel, matrix, before in zip(kernels, matrices, start, strict=True):
        moved, expected = kernel.detach().flatten(1) - before, matrix.detach() - before
        # Orthogonalized in 16 bits: sums in another order differ in the third digit.
        assert float((moved - expected).norm() / expected.norm()) < 0.02


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_more_shapes_than_torch_compiles_by_itself() -> None:
    torch._dynamo.reset()
    kernels = [nn.Parameter(torch.zeros(4, 2 * channels, 3, 3)) for channels in range(1, 11)]
    optimizer = KernelMuon(kernels, lr=1.0, torch_compile=True)
    for kernel in kernels:
        kernel.grad = torch.ones_like(kernel)
    optimizer.step()
    assert all(bool(kernel.any()) for kernel in kernels)


def test_a_gradient_in_another_layout_moves_the_kernel_alike() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(8, 4, 3, 3)
    found = []
    for layout in (torch.contiguous_format, torch.channels_last):
        kernel = nn.Parameter(torch.zeros(8, 4, 3, 3))
        kernel.grad = gradient.to(memory_format=layout)
        KernelMuon([kernel], lr=1.0).step()
        found.append(kernel.detach())
    assert torch.allclose(found[0], found[1], atol=1e-3)


def test_a_kernel_without_a_gradient_or_with_none_but_zeros_stays_where_it_is() -> None:
    kernels = [nn.Parameter(torch.ones(4, 4, 3, 3)) for _ in range(2)]
    optimizer = KernelMuon(kernels, lr=0.1)
    kernels[1].grad = torch.zeros_like(kernels[1])
    optimizer.step()
    assert all(bool((kernel == 1).all()) for kernel in kernels)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_adam_takes_the_betas_that_were_asked_for(name: str) -> None:
    args = ArganTrainingArguments(optimizer=name, adam_beta1=0.5, adam_beta2=0.9)
    adam = build_optimizers(_network(torch.contiguous_format), args, 1e-3)[0]
    assert isinstance(adam, torch.optim.Adam)
    assert [group["betas"] for group in adam.param_groups] == [(0.5, 0.9)]


def test_a_network_without_inner_kernels_is_left_to_adam() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 3))
    (optimizer,) = build_optimizers(network, ArganTrainingArguments(optimizer="muon"), 1e-3)
    assert isinstance(optimizer, torch.optim.Adam)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


def test_gradients_are_forgotten() -> None:
    kernel = nn.Parameter(torch.ones(4, 4, 3, 3))
    optimizer = KernelMuon([kernel], lr=1e-3)
    kernel.grad = torch.ones_like(kernel)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    assert kernel.grad is not None
    assert not kernel.grad.any()
    optimizer.zero_grad()
    assert kernel.grad is None
