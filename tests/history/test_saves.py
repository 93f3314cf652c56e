import io
from collections.abc import Callable

import pytest
import torch
from PIL import Image

from argan_hf.history import find_saves, undo_save, window_places
from argan_hf.history import undo as undo_module
from argan_hf.jpeg import quantization_tables, rgb_to_ycbcr
from tests.conftest import jpeg_bytes
from tests.history.conftest import Past, example, seen

Maker = Callable[..., Past]


def _found(past: Past) -> tuple:
    return find_saves(
        [past.planes[:, rows, columns] for rows, columns in window_places(*past.planes.shape[1:])], past.later
    )


@pytest.mark.parametrize(
    ("first", "crop", "second"),
    [
        (20, (0, 0), 90),
        (20, (3, 5), 90),
        (30, (7, 2), 75),
        (50, (0, 0), 90),
        (70, (0, 0), 85),
        (60, (8, 8), 95),
        (20, (0, 0), None),
        (60, (3, 5), None),
    ],
)
def test_quality_and_grid_of_the_first_save_are_found(
    past: Maker, first: int, crop: tuple[int, int], second: int | None
) -> None:
    for index in (1, 3):
        (save,) = _found(past(first, crop, second, index))
        assert abs(save.quality - first) <= 2
        assert (save.top, save.left) == crop  # 0..15, from the halved chroma
        assert save.sampling == "4:2:0"
        assert save.agreement > 0.8


@pytest.mark.parametrize(("sampling", "later"), [("4:4:4", "4:4:4"), ("4:2:2", "4:4:4"), ("4:2:0", "4:4:4")])
def test_the_chroma_sampling_of_the_first_save_is_found(past: Maker, sampling: str, later: str) -> None:
    (save,) = _found(past(30, (3, 5), 90, sampling=sampling, later_sampling=later))
    assert save.sampling == sampling


def test_chroma_that_a_later_save_halved_is_left_alone(past: Maker) -> None:
    (save,) = _found(past(30, (0, 0), 90, sampling="4:4:4"))
    assert save.quality == 30
    assert save.sampling is None


def test_tables_of_other_encoders_are_found_step_by_step(past: Maker) -> None:
    steps = (quantization_tables(25).float().sqrt() * 7).round().int()  # flatter than any of libjpeg's
    (save,) = _found(past(0, (2, 6), 92, qtables=[table.flatten().tolist() for table in steps]))
    assert not save.standard
    assert (save.top % 8, save.left % 8) == (2, 6)
    low = save.tables[0][:3, :3].float() / steps[0][:3, :3]
    assert ((low - 1).abs() < 0.05).all()


def test_gray_pictures_have_a_past_too(past: Maker) -> None:
    (save,) = _found(past(20, (3, 5), 90, mode="L"))
    assert (save.quality, save.top, save.left, save.sampling) == (20, 3, 5, None)


def test_two_earlier_saves_are_found_one_before_the_other(past: Maker) -> None:
    once = past(20, (3, 5), None)
    assert isinstance(once.image, Image.Image)
    middle = jpeg_bytes(once.image, quality=80)
    with Image.open(io.BytesIO(middle)) as image:
        planes, later = seen(jpeg_bytes(image.crop((4, 2, image.width, image.height)), quality=95))
    saves = find_saves([planes], later)
    # The first save shows most; what came between is undone with the last.
    assert saves[-1].quality == 20
    assert (sum(save.top for save in saves) % 8, sum(save.left for save in saves) % 8) == ((3 + 2) % 8, (5 + 4) % 8)


@pytest.mark.parametrize("quality", [30, 50, 75, 80, 90, 95])
def test_a_picture_that_was_saved_once_has_no_earlier_save(quality: int) -> None:
    for index in range(8):
        planes, later = seen(jpeg_bytes(example(index), quality=quality))
        assert find_saves([planes], later) == ()


def test_a_picture_that_was_never_saved_has_no_earlier_save() -> None:
    for index in range(8):
        assert find_saves([seen(example(index))[0]], None) == ()


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (16, 16), (15, 200)])
def test_tiny_pictures_have_no_past(size: tuple[int, int]) -> None:
    planes = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    places = window_places(*size)
    assert find_saves([planes[:, rows, columns] for rows, columns in places], None) == ()


@pytest.mark.parametrize(
    ("first", "crop", "second", "least", "wrong"),
    [
        (20, (0, 0), 90, 0.9, 0.001),
        (20, (3, 5), 90, 0.9, 0.001),
        (50, (0, 0), 90, 0.9, 0.001),
        (30, (3, 5), 75, 0.8, 0.01),
        (20, (3, 5), None, 0.9, 0.001),
    ],
)
def test_the_first_file_comes_back(
    past: Maker, first: int, crop: tuple[int, int], second: int | None, least: float, wrong: float
) -> None:
    made = past(first, crop, second)
    (save,) = _found(made)
    undone = undo_save(made.planes, save, made.later)
    shown = undone.planes[:, : made.first.shape[1], : made.first.shape[2]].float()
    whole = undone.explained[1 if crop[0] else 0 :, 1 if crop[1] else 0 :]
    assert whole.float().mean() > least
    # In explained blocks, luma equals what the first file showed, up to the rounding of another decoder.
    mask = undone.explained.repeat_interleave(8, 0).repeat_interleave(8, 1)
    error = (shown[0] - made.first[0]).abs()[: mask.shape[0], : mask.shape[1]]
    assert (error[mask] > 1).float().mean() < wrong
    # So does chroma, nearly everywhere; what is seen of it is farther away.
    inside = (slice(1, None), slice(crop[0] + 16, -16), slice(crop[1] + 16, -16))
    error = (shown[inside] - made.first[inside]).abs()
    assert (error <= 1).float().mean() > 0.97
    assert (made.planes[1:, 16:-16, 16:-16] - made.first[inside].float()).abs().mean() > 2 * error.mean()


def test_strips_of_a_tall_picture_meet_without_a_trace(past: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    for crop in ((3, 5), (12, 9), (0, 0)):
        made = past(25, crop, 88)
        (save,) = _found(made)
        whole = undo_save(made.planes, save, made.later)
        with monkeypatch.context() as patched:
            patched.setattr(undo_module, "_STRIP", 48)
            strips = undo_save(made.planes, save, made.later)
        assert torch.equal(strips.explained, whole.explained)
        assert torch.equal(strips.planes, whole.planes)


def test_blocks_drawn_after_the_first_save_are_not_taken_for_its_own(past: Maker) -> None:
    made = past(20, (0, 0), None)
    (save,) = _found(made)
    noise = rgb_to_ycbcr(torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8))
    made.planes[:, 64:128, 96:192] = noise
    undone = undo_save(made.planes, save, None)
    assert not undone.explained[8:16, 12:24].any()
    assert (undone.planes[0, 64:128, 96:192].float() - noise[0].float()).abs().mean() < 1
    assert undone.explained[16:].float().mean() > 0.9
