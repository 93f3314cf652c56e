import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.containers.opening import open_image
from argan_hf.jpeg import estimate_quality, quantization_tables
from argan_hf.jpeg.quality import _all_tables
from tests.conftest import jpeg_bytes


@pytest.mark.parametrize("quality", range(1, 101))
def test_tables_equal_those_that_pillow_writes(quality: int) -> None:
    written = open_image(jpeg_bytes(Image.new("RGB", (8, 8)), quality=quality)).quantization
    expected = torch.tensor([written[0], written[1]]).view(2, 8, 8)
    assert torch.equal(quantization_tables(quality), expected.int())


def test_tables_of_a_batch_equal_those_of_its_members() -> None:
    qualities = torch.tensor([[1, 49], [50, 100]])
    tables = quantization_tables(qualities)
    assert tables.shape == (2, 2, 2, 8, 8)
    assert torch.equal(tables[1, 0], quantization_tables(50))


def test_qualities_out_of_range_are_clamped_as_libjpeg_does() -> None:
    assert torch.equal(quantization_tables(0), quantization_tables(1))
    assert torch.equal(quantization_tables(200), quantization_tables(100))


def test_a_fractional_quality_is_refused() -> None:
    with pytest.raises(TypeError, match="integers"):
        quantization_tables(torch.tensor(10.5))


@pytest.mark.parametrize("quality", range(1, 101))
def test_standard_tables_give_their_quality_back(quality: int) -> None:
    assert estimate_quality(quantization_tables(quality)) == (quality, True)
    assert estimate_quality(quantization_tables(quality)[:1])[1]


def test_the_tables_of_headers_are_those_of_tensors() -> None:
    assert np.array_equal(_all_tables(), quantization_tables(torch.arange(1, 101)).numpy())


def test_foreign_tables_give_a_near_quality_that_is_not_exact() -> None:
    tables = quantization_tables(60).clone()
    tables[0, 7, 7] += 3
    assert estimate_quality(tables) == (60, False)


def test_a_foreign_chroma_table_alone_is_noticed() -> None:
    tables = quantization_tables(60).clone()
    tables[1, 7, 7] += 3
    assert estimate_quality(tables) == (60, False)


def test_every_coefficient_counts_alike_whatever_its_step() -> None:
    coarse, fine = quantization_tables(60).flatten(), quantization_tables(80).flatten()
    mostly_fine = torch.where(fine.argsort().argsort() < 80, fine, coarse).view(2, 8, 8)
    assert estimate_quality(mostly_fine) == (80, False)


def test_tables_beyond_the_second_do_not_count() -> None:
    assert estimate_quality(torch.cat((quantization_tables(60), torch.ones(1, 8, 8, dtype=torch.int32)))) == (60, True)


@pytest.mark.parametrize("tables", [torch.ones(8, 8), torch.ones(0, 8, 8), torch.ones(1, 4, 16), torch.zeros(1, 8, 8)])
def test_what_is_no_table_is_refused(tables: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="tabl"):
        estimate_quality(tables.int())
