import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import (
    compress_plane,
    make_consistent,
    project,
    project_onto_file,
    quantization_tables,
    read_jpeg,
    recover_coefficients,
    rgb_to_ycbcr,
    share_inside,
)
from argan_hf.jpeg.color import as_pixels, to_uint8
from argan_hf.jpeg.consistency import MARGIN, blocks_inside
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes
from tests.jpeg.samples import coefficients_of, luma


@settings(max_examples=40, deadline=None)
@given(quality=st.integers(1, 100), strength=st.floats(0.1, 100.0), seed=st.integers(0, 2**31 - 1))
def test_the_projection_never_moves_away_from_the_original(quality: int, strength: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    table = quantization_tables(quality)[0]
    original = torch.randint(0, 256, (24, 32), generator=generator).float()
    anything = original + strength * torch.randn(24, 32, generator=generator)
    truth = coefficients_of(original.to(torch.uint8), table)
    projected = project(anything, truth, table, margin=0.0)
    # The integer DCT of the encoder differs from the exact one by less than a hundredth of a level.
    assert (projected - original).norm() <= (anything - original).norm() + 0.01 * original.numel() ** 0.5


def test_a_projected_plane_is_inside_and_projecting_again_changes_nothing() -> None:
    # Far enough from black and white that nothing is clipped.
    plane, table = luma(1) // 2 + 64, quantization_tables(20)[0]
    truth = coefficients_of(plane, table)
    once = project(plane.float() + 10 * torch.randn(plane.shape), truth, table)
    assert torch.allclose(project(once, truth, table), once, atol=1e-3)
    assert share_inside(to_uint8(once), truth, table) > 0.9999


def test_what_is_inside_already_is_left_alone() -> None:
    plane, table = luma(1), quantization_tables(10)[0]
    assert torch.allclose(
        project(plane.float(), coefficients_of(plane, table), table, margin=0.0), plane.float(), atol=0.05
    )


def test_an_interval_too_short_for_the_margin_shrinks_to_its_middle() -> None:
    plane, table = luma(1)[:64, :64], torch.ones(8, 8, dtype=torch.int32)
    truth = coefficients_of(plane, table)
    one, other = (project(plane + 10 * torch.randn(plane.shape), truth, table) for _ in range(2))
    assert torch.allclose(one, other, atol=1e-3)
    # The middle is what the decoder shows, whose integer arithmetic may round a sample the other way.
    assert (to_uint8(one).int() - compress_plane(plane[None], table)[0].int()).abs().max() <= 1


def test_the_border_beyond_the_last_whole_block_is_left_alone() -> None:
    plane, table = torch.rand(21, 19) * 255, quantization_tables(10)[0]
    projected = project(plane, torch.zeros(2, 2, 8, 8), table)
    assert torch.equal(projected[16:], plane[16:])
    assert torch.equal(projected[:, 16:], plane[:, 16:])
    assert not torch.equal(projected[:16, :16], plane[:16, :16])


@pytest.mark.parametrize("size", [(1, 1), (7, 30), (8, 7)])
def test_a_picture_without_a_whole_block_passes(size: tuple[int, int]) -> None:
    plane, table = torch.randint(0, 256, size, dtype=torch.uint8), quantization_tables(10)[0]
    quantized = recover_coefficients(plane, table)
    projected, share = make_consistent(plane[None].float(), plane[None], quantized, table)
    assert torch.equal(projected[0], plane.float())
    assert share == 1.0


@pytest.mark.parametrize("quality", [10, 30, 50, 75])
def test_a_gray_result_encodes_to_the_file_again(quality: int) -> None:
    table = quantization_tables(quality)[0]
    for index in range(3):
        plane = luma(index)
        file = read_jpeg(jpeg_bytes(Image.fromarray(plane.numpy()), quality=quality))
        invented = file.planes[0].float() + 8 * torch.randn(plane.shape)
        quantized = recover_coefficients(file.planes[0], file.tables[0])
        (result,), share = make_consistent(invented[None], file.planes, quantized, file.tables[0])
        data = jpeg_bytes(Image.fromarray(to_uint8(result).numpy()), quality=quality)
        again = coefficients_of(image_to_tensor(Image.open(io.BytesIO(data)))[0], table)
        assert share > 0.999
        assert (again == coefficients_of(file.planes[0], table)).flatten(2).all(2).float().mean() > 0.99
        assert blocks_inside(to_uint8(result), coefficients_of(plane, table), table).float().mean() > 0.99


@pytest.mark.parametrize("quality", [30, 50, 75])
def test_blocks_that_rounding_and_clipping_throw_out_survive_with_more_margin(quality: int) -> None:
    plane, table = luma(2), quantization_tables(quality)[0]
    truth = coefficients_of(plane, table)
    invented = plane.float() + 20 * torch.randn(plane.shape)
    once = blocks_inside(to_uint8(project(invented, truth, table)), truth, table)
    assert (~once).sum() > 50
    (result,), share = make_consistent(invented[None], plane[None], truth, table)
    assert blocks_inside(to_uint8(result), truth, table).all()
    assert share == 1.0


def test_what_becomes_of_a_block_does_not_depend_on_the_others() -> None:
    plane, table = luma(2)[:64, :96], quantization_tables(50)[0]
    truth = coefficients_of(plane, table)
    invented = plane.float() + 20 * torch.randn(plane.shape)
    (together,), _ = make_consistent(invented[None], plane[None], truth, table)
    for top in range(0, 64, 8):
        for left in range(0, 96, 8):
            block = (slice(top, top + 8), slice(left, left + 8))
            own = truth[top // 8 : top // 8 + 1, left // 8 : left // 8 + 1]
            (alone,), _ = make_consistent(invented[None, *block], plane[None, *block], own, table)
            assert torch.allclose(together[block], alone, atol=1e-3)


@pytest.mark.parametrize(("quality", "least"), [(30, 0.997), (90, 0.9)])
@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_is_written_is_what_encodes_to_the_file(
    mode: str, strength: float, quality: int, least: float, photo: Image.Image
) -> None:
    file = read_jpeg(jpeg_bytes(photo.convert(mode), quality=quality))
    quantized = recover_coefficients(file.planes[0], file.tables[0])
    invented = file.planes.float() + 12 * torch.randn(file.planes.shape)
    projected, share = project_onto_file(invented, file.planes, file.tables[0], strength)
    assert torch.equal(projected[1:], invented[1:])
    # Blended here and encoded by Pillow: nothing of the projection is used.
    written, free = (as_pixels(file.planes.float().lerp(planes, strength)) for planes in (projected, invented))
    data = jpeg_bytes(Image.fromarray(written.permute(1, 2, 0).squeeze(2).numpy()), quality=quality, subsampling=0)
    again = read_jpeg(data).planes[0]
    assert share > least
    assert share == pytest.approx(float((coefficients_of(again, file.tables[0]) == quantized).float().mean()), abs=1e-3)
    free_luma = free[0] if mode == "L" else rgb_to_ycbcr(free)[0]
    assert share_inside(free_luma, quantized, file.tables[0]) < share - 0.005


def test_blocks_that_are_not_held_stay_as_they_are() -> None:
    plane, table = luma(1), quantization_tables(20)[0]
    shown = compress_plane(plane[None], table)
    restored = shown.float() + 9.0 * torch.randn(shown.shape)
    held = (torch.arange(25)[:, None] + torch.arange(37)) % 3 == 0
    projected, share = project_onto_file(restored, shown, table, held=held)
    inside = held.repeat_interleave(8, 0).repeat_interleave(8, 1)
    cut = (0, slice(25 * 8), slice(37 * 8))
    assert torch.equal(projected[cut][~inside], restored[cut][~inside])
    assert blocks_inside(to_uint8(projected)[0], coefficients_of(plane, table), table)[held].float().mean() > 0.99
    assert share > 0.99
    assert project_onto_file(restored, shown, table, held=torch.zeros_like(held))[1] == 1.0


def _plainly(
    restored: Tensor, decoded: Tensor, quantized: Tensor, table: Tensor, strength: float, held: Tensor
) -> tuple[Tensor, float]:
    """What `make_consistent` does, over the whole picture in every round, with the codec that writes files."""
    margin, start = torch.full((*quantized.shape[:2],), MARGIN), restored[0]
    place = slice(8 * held.shape[0]), slice(8 * held.shape[1])
    for _ in range(5):
        result = restored.clone()
        for each in margin[held].unique():
            chosen = (held & (margin == each)).repeat_interleave(8, 0).repeat_interleave(8, 1)
            result[0, *place][chosen] = project(start, quantized, table, float(each))[*place][chosen]
        written = decoded.float()
        written[: len(result)] = written[: len(result)].lerp(result, strength)
        pixels = as_pixels(written)
        luma = pixels[0] if len(pixels) == 1 else rgb_to_ycbcr(pixels)[0]
        equal = coefficients_of(luma, table) == quantized
        wrong = held & ~equal.flatten(2).all(2)
        margin[wrong] *= 2
        again = wrong.repeat_interleave(8, 0).repeat_interleave(8, 1)
        start = start.clone()
        start[*place][again] = result[0, *place][again].clamp(0, 255)
    return result, float(equal[held].double().mean())


@pytest.mark.parametrize(
    ("mode", "known", "strength", "quality"),
    [("L", 1, 1.0, 75), ("L", 1, 0.4, 100), ("RGB", 1, 0.7, 90), ("RGB", 3, 1.0, 75), ("RGB", 3, 0.4, 20)],
)
def test_blocks_that_go_on_alone_become_what_they_become_in_the_whole_picture(
    mode: str, known: int, strength: float, quality: int, photo: Image.Image
) -> None:
    # Wide enough for more than one strip.
    small = photo.convert(mode).crop((0, 0, 203, 99))
    picture = Image.new(mode, (2005, 99))
    for left in range(0, 2005, 203):
        picture.paste(small.point(lambda value, left=left: value + left // 10 - 60), (left, 0))
    file = read_jpeg(jpeg_bytes(picture, quality=quality))
    table = file.tables[0]
    quantized = recover_coefficients(file.planes[0], table)
    restored = (file.planes + 9 * torch.randn(file.planes.shape))[:known]
    held = torch.rand(quantized.shape[:2]) < 0.7
    expected, share = _plainly(restored, file.planes, quantized, table, strength, held)
    found, found_share = make_consistent(restored, file.planes, quantized, table, strength, held=held)
    # A sample that an error of rounding throws over a half can change its block.
    assert ((found - expected).abs() > 1e-3).float().mean() < 1e-3
    assert found_share == pytest.approx(share, abs=1e-4)
    everywhere, _ = make_consistent(restored, file.planes, quantized, table, strength)
    inside, fine = (0, slice(12 * 8), slice(250 * 8)), held.repeat_interleave(8, 0).repeat_interleave(8, 1)
    assert ((everywhere[inside] - found[inside]).abs()[fine] > 1e-3).float().mean() < 1e-3


@settings(max_examples=30, deadline=None)
@given(step=st.integers(1, 12), spread=st.integers(1, 255), seed=st.integers(0, 2**31 - 1))
def test_inside_is_what_the_codec_encodes_to_the_same_integers(step: int, spread: int, seed: int) -> None:
    # Small steps and flat blocks: many coefficients lie exactly between two multiples of their step.
    generator = torch.Generator().manual_seed(seed)
    flat = torch.randint(0, 256, (6, 9), generator=generator, dtype=torch.uint8)
    plane = flat.repeat_interleave(8, 0).repeat_interleave(8, 1)[:, :71]
    plane[24:] = torch.randint(0, spread + 1, (24, 71), generator=generator, dtype=torch.uint8)
    table = torch.full((8, 8), step)
    quantized = coefficients_of(plane, table)
    quantized += torch.randint(-9, 10, quantized.shape, generator=generator).div(9, rounding_mode="trunc")
    equal = coefficients_of(plane, table) == quantized
    assert share_inside(plane, quantized, table) == pytest.approx(float(equal.double().mean()), abs=1e-12)
    assert torch.equal(blocks_inside(plane, quantized, table), equal.flatten(2).all(2))
    assert share_inside(plane, coefficients_of(plane, table), table) == 1.0


def test_what_is_given_is_not_changed() -> None:
    plane, table = luma(0)[:16, :40], quantization_tables(10)[0]
    restored = plane[None] + 30 * torch.randn(1, 16, 40)
    before = restored.clone()
    projected, _ = project_onto_file(restored, plane[None], table)
    project(restored[0], recover_coefficients(plane, table), table)
    assert torch.equal(restored, before)
    assert not torch.equal(projected, before)
