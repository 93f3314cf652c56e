from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.containers.opening import open_image
from argan_hf.evaluation.methods import load_method, split_name
from argan_hf.evaluation.protocol import as_picture, blocks_of, degrade_planes
from argan_hf.jpeg import compress_plane, quantization_tables, read_jpeg
from argan_hf.jpeg.consistency import count_equal
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import FileBlocks
from argan_hf.restored_image import RestoredImage
from tests.conftest import jpeg_bytes, scramble

PLANES = torch.randint(60, 200, (3, 32, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TABLES = quantization_tables(20)[[0, 1, 1]]


def test_jpeg_restores_nothing() -> None:
    method = load_method("jpeg", [20])
    assert torch.equal(method.restore(PLANES, TABLES, 20, None), PLANES.float())
    assert method.macs_per_pixel == 0.0


def test_a_luma_network_leaves_chroma_alone(checkpoint: Path) -> None:
    restored = load_method(str(checkpoint), [20]).restore(PLANES, TABLES, 20, None)
    assert torch.equal(restored[1:], PLANES[1:].float())
    assert not torch.equal(restored[0], PLANES[0].float())


def test_faithful_holds_luma_to_the_coefficients(checkpoint: Path) -> None:
    shown = compress_plane(PLANES[:1], TABLES[0])
    blocks = FileBlocks.of_planes(PLANES[:1], TABLES[:1], "4:4:4")
    names = (str(checkpoint), f"{checkpoint}+faithful")
    results = (load_method(name, [20]).restore(shown, TABLES[:1], 20, blocks) for name in names)
    free, faithful = (count_equal(result, blocks)[0] for result in results)
    assert faithful.equal_blocks > 0.99 * faithful.blocks > free.equal_blocks
    with pytest.raises(ValueError, match="cannot be read"):
        load_method(names[1], [20]).restore(shown, TABLES[:1], 20, None)


@pytest.mark.parametrize("quality", [20, 90])
@pytest.mark.parametrize(
    "kind", ["luma network", "color network", "color network, neutral picture", "color network, mark"]
)
def test_faithful_under_rgb_equals_the_restorer_on_the_file(
    kind: str, quality: int, checkpoint: Path, residual_config: ArganConfig, tmp_path: Path, photo: Image.Image
) -> None:
    folder = checkpoint
    if kind != "luma network":
        folder = tmp_path / "color"
        scramble(ArganForImageRestoration(residual_config)).save_pretrained(folder)
    picture = photo.convert("L").convert("RGB") if "neutral" in kind else photo
    if "mark" in kind:
        picture = photo.convert("L").convert("RGB")
        picture.paste((200, 20, 30), (20, 20, 50, 40))
    original = image_to_tensor(picture)[None]
    degraded, tables = degrade_planes(original, quality, "rgb")
    method = load_method(f"{folder}+faithful", [quality])
    blocks = blocks_of(original, quality, "rgb")
    measured = as_picture(method.restore(degraded, tables, quality, blocks))[0]
    restored = JpegRestorer.from_pretrained(folder)(jpeg_bytes(picture, quality=quality), history=False)
    assert restored.report.consistency is not None
    assert torch.equal(measured, image_to_tensor(restored.image.convert("RGB")))


def test_blind_is_not_told_the_tables(residual_config: ArganConfig, tmp_path: Path) -> None:
    scramble(ArganForImageRestoration(residual_config)).save_pretrained(tmp_path)
    blocks = FileBlocks.of_planes(PLANES, TABLES, "4:2:0")
    conditioned, blind, both = (
        load_method(f"{tmp_path}{suffix}", [20]).restore(PLANES, TABLES, 20, blocks)
        for suffix in ("", "+blind", "+blind+faithful")
    )
    assert not torch.equal(conditioned, blind)
    nothing = load_method(str(tmp_path), [20]).restore(PLANES, torch.zeros_like(TABLES), 20, None)
    assert torch.equal(blind, nothing)
    assert not torch.equal(both, blind)
    assert count_equal(both, blocks)[0].equal_blocks > count_equal(blind, blocks)[0].equal_blocks


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a", ())),
        ("a+blind", ("a", ("+blind",))),
        ("a+b+faithful+blind", ("a+b", ("+faithful", "+blind"))),
        ("a+realism=0.5+faithful", ("a", ("+realism=0.5", "+faithful"))),
        ("a+quality=20+history", ("a", ("+quality=20", "+history"))),
    ],
)
def test_names_split_into_base_and_options(name: str, parts: tuple[str, tuple[str, ...]]) -> None:
    assert split_name(name) == parts


def test_realism_is_the_position_of_the_slider(residual_config: ArganConfig, tmp_path: Path) -> None:
    model = scramble(ArganForImageRestoration(residual_config))
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no variant for realism"):
        load_method(f"{tmp_path}+realism=0.5", [20])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    model.save_pretrained(tmp_path, variant="realism")
    names = (f"{tmp_path}+realism=0", f"{tmp_path}+realism=1", f"{tmp_path}+realism=1+blind")
    none, full, blind = (load_method(name, [20]).restore(PLANES, TABLES, 20, None) for name in names)
    assert torch.equal(none, load_method(str(tmp_path), [20]).restore(PLANES, TABLES, 20, None))
    restorer = JpegRestorer(model.eval(), "cpu")
    assert torch.allclose(full, restorer.restore_planes(PLANES, TABLES), atol=1e-3)
    assert torch.allclose(blind, restorer.restore_planes(PLANES), atol=1e-3)


def test_multiply_accumulates_of_the_papers_network(tmp_path: Path) -> None:
    scramble(ArganForImageRestoration(ArganConfig())).save_pretrained(tmp_path)
    assert load_method(str(tmp_path), [20]).macs_per_pixel == pytest.approx(66_000, rel=0.05)


@pytest.mark.parametrize("name", ["waifu", "ar-cnn"])
def test_an_unknown_method_is_named_with_those_that_exist(name: str) -> None:
    with pytest.raises(ValueError, match=r"no method '.*': use one of jpeg, sa-dct, ar-cnn, d3, .*or a Hub id"):
        load_method(name, [7])


def test_a_file_is_restored_as_users_files_are(
    residual_config: ArganConfig, tmp_path: Path, photo: Image.Image
) -> None:
    model = scramble(ArganForImageRestoration(residual_config))
    model.save_pretrained(tmp_path)
    restorer = JpegRestorer(model, "cpu")
    photo.save(tmp_path / "a.png")
    for data in (jpeg_bytes(photo, quality=20), (tmp_path / "a.png").read_bytes()):
        for options, choices in (
            ("", {"faithful": False}),
            ("+faithful", {"faithful": True}),
            ("+quality=50", {"faithful": False, "quality": 50}),
        ):
            restored = load_method(f"{tmp_path}{options}", [], "cpu").restore_file(data)
            assert restored == restorer(data, **choices).image


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", (None, {"realism": 0.0, "faithful": False, "history": False})),
        ("+history", (None, {"realism": 0.0, "faithful": False, "history": True})),
        ("+quality=20+faithful", (20, {"realism": 0.0, "faithful": True, "history": False})),
    ],
)
def test_options_are_passed_to_the_restorer(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, photo: Image.Image, options: str, expected: object
) -> None:
    calls = []

    def note(self: JpegRestorer, source: bytes, quality: int | None, **choices: Any) -> RestoredImage:
        calls.append((quality, choices))
        return original(self, source, quality, **choices)

    original = JpegRestorer.__call__
    monkeypatch.setattr(JpegRestorer, "__call__", note)
    load_method(f"{checkpoint}{options}", [], "cpu").restore_file(jpeg_bytes(photo, quality=30))
    assert calls == [expected]


def test_the_file_of_jpeg_is_decoded(photo: Image.Image) -> None:
    data = jpeg_bytes(photo, quality=30)
    assert load_method("jpeg", []).restore_file(data).convert("RGB") == open_image(data).convert("RGB")


@pytest.mark.parametrize("name", ["ar-cnn", "blind"])
def test_what_restores_planes_gets_those_of_the_file(name: str, checkpoint: Path, photo: Image.Image) -> None:
    picture = photo.crop((0, 0, 48, 40))
    method = load_method(f"{checkpoint}+blind" if name == "blind" else name, [20], "cpu")
    file = read_jpeg(jpeg_bytes(picture, quality=20))
    restored = image_to_tensor(method.restore_file(jpeg_bytes(picture, quality=20)))
    assert torch.equal(restored, as_picture(method.restore(file.planes, file.tables, 20, None))[0])
    picture.save(checkpoint / "a.webp")
    with pytest.raises(ValueError, match=rf"{name}.* restores the planes of JPEG files; .* is a WEBP file"):
        method.restore_file((checkpoint / "a.webp").read_bytes())


def test_a_network_of_one_quality_needs_one() -> None:
    with pytest.raises(ValueError, match=r"ar-cnn restores JPEG files only: give it a quality, or a life that ends"):
        load_method("ar-cnn", [])


def test_options_that_make_no_sense_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"quality of .* must lie in 1\.\.100, found 0"):
        load_method(f"{checkpoint}+quality=0", [20])
    for option in ("+quality=20", "+history"):
        with pytest.raises(ValueError, match="contradicts itself"):
            load_method(f"{checkpoint}+blind{option}", [20])
    with pytest.raises(ValueError, match="looks for earlier saves, of which a picture saved once has none: use --life"):
        load_method(f"{checkpoint}+history", [20]).restore(PLANES, TABLES, 20, None)


def test_a_quality_replaces_the_tables_of_the_planes(residual_config: ArganConfig, tmp_path: Path) -> None:
    scramble(ArganForImageRestoration(residual_config)).save_pretrained(tmp_path)
    restored = load_method(f"{tmp_path}+quality=70", [20]).restore(PLANES, TABLES, 20, None)
    plain = load_method(str(tmp_path), [70])
    assert torch.equal(restored, plain.restore(PLANES, quantization_tables(70)[[0, 1, 1]], 70, None))
    assert not torch.equal(restored, plain.restore(PLANES, TABLES, 20, None))
