import torch

from argan_hf.jpeg.dct import blocks_to_planes, forward_dct, inverse_dct, planes_to_blocks


def _orthonormal_basis() -> torch.Tensor:
    n = torch.arange(8.0, dtype=torch.float64)
    basis = torch.cos((2 * n[None] + 1) * n[:, None] * torch.pi / 16) / 2
    basis[0] /= 2**0.5
    return basis


def test_forward_is_eight_times_the_orthonormal_dct() -> None:
    block = torch.randint(-128, 128, (8, 8), dtype=torch.int32)
    basis = _orthonormal_basis()
    exact = 8 * basis @ block.double() @ basis.T
    integers = forward_dct(block[..., None, None, None])[..., 0, 0, 0]
    assert (integers - exact).abs().max() < 1.0


def test_inverse_undoes_forward_within_a_level() -> None:
    blocks = torch.randint(-128, 128, (8, 8, 2, 3, 4), dtype=torch.int32)
    coefficients = forward_dct(blocks)
    back = inverse_dct((coefficients + 4) >> 3) - 128
    assert (back - blocks).abs().max() <= 2


def test_shifting_negative_integers_rounds_down() -> None:
    assert ((torch.tensor([-1, -2, -3], dtype=torch.int32) + 1) >> 1).tolist() == [0, -1, -1]


def test_blocks_put_together_are_the_planes_and_the_border_is_repeated() -> None:
    planes = torch.randint(0, 256, (2, 13, 21), dtype=torch.int32)
    blocks = planes_to_blocks(planes)
    assert blocks.shape == (8, 8, 2, 2, 3)
    assert torch.equal(blocks_to_planes(blocks, 13, 21), planes)
    whole = blocks_to_planes(blocks, 16, 24)
    assert torch.equal(whole[:, :13, 21:], planes[:, :, -1:].expand(-1, -1, 3))
    assert torch.equal(whole[:, 13:], whole[:, 12:13].expand(-1, 3, -1))
