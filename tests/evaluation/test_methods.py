from pathlib import Path

import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.evaluation.methods import load_method, split_name
from argan_hf.evaluation.protocol import as_picture, degrade_planes
from argan_hf.jpeg import compress_plane, quantization_tables, recover_coefficients, share_inside
from argan_hf.jpeg.color import to_uint8
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes, scramble

PLANES = torch.randint(60, 200, (3, 32, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TABLES = quantization_tables(20)[[0, 1, 1]]


def test_jpeg_restores_nothing() -> None:
    method = load_method("jpeg", [20])
    assert torch.equal(method.restore(PLANES, TABLES, 20), PLANES.float())
    assert method.macs_per_pixel == 0.0


def test_a_luma_network_leaves_chroma_alone(checkpoint: Path) -> None:
    restored = load_method(str(checkpoint), [20]).restore(PLANES, TABLES, 20)
    assert torch.equal(restored[1:], PLANES[1:].float())
    assert not torch.equal(restored[0], PLANES[0].float())


def test_faithful_holds_luma_to_the_coefficients(checkpoint: Path) -> None:
    shown = compress_plane(PLANES[:1], TABLES[0])
    quantized = recover_coefficients(shown[0], TABLES[0])
    free, faithful = (
        share_inside(to_uint8(load_method(name, [20]).restore(shown, TABLES[:1], 20))[0], quantized, TABLES[0])
        for name in (str(checkpoint), f"{checkpoint}+faithful")
    )
    assert faithful > 0.99 > free


@pytest.mark.parametrize("quality", [20, 90])
@pytest.mark.parametrize("kind", ["luma network", "color network", "color network, neutral picture"])
def test_faithful_under_rgb_equals_the_restorer_on_the_file(
    kind: str, quality: int, checkpoint: Path, residual_config: ArganConfig, tmp_path: Path, photo: Image.Image
) -> None:
    folder = checkpoint
    if kind != "luma network":
        folder = tmp_path / "color"
        scramble(ArganForImageRestoration(residual_config)).save_pretrained(folder)
    picture = photo.convert("L").convert("RGB") if "neutral" in kind else photo
    original = image_to_tensor(picture)[None]
    degraded, tables = degrade_planes(original, quality, "rgb")
    method = load_method(f"{folder}+faithful", [quality])
    measured = as_picture(method.restore(degraded, tables, quality))[0]
    restored = JpegRestorer.from_pretrained(folder)(jpeg_bytes(picture, quality=quality))
    assert restored.report.consistency is not None
    assert torch.equal(measured, image_to_tensor(restored.image.convert("RGB")))


def test_blind_is_not_told_the_tables(residual_config: ArganConfig, tmp_path: Path) -> None:
    scramble(ArganForImageRestoration(residual_config)).save_pretrained(tmp_path)
    conditioned, blind, both = (
        load_method(f"{tmp_path}{suffix}", [20]).restore(PLANES, TABLES, 20)
        for suffix in ("", "+blind", "+blind+faithful")
    )
    assert not torch.equal(conditioned, blind)
    nothing = load_method(str(tmp_path), [20]).restore(PLANES, torch.zeros_like(TABLES), 20)
    assert torch.equal(blind, nothing)
    assert torch.equal(both[1:], blind[1:])
    assert not torch.equal(both[0], blind[0])


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a", ())),
        ("a+blind", ("a", ("+blind",))),
        ("a+b+faithful+blind", ("a+b", ("+faithful", "+blind"))),
        ("a+realism=0.5+faithful", ("a", ("+realism=0.5", "+faithful"))),
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
    none, full, blind = (load_method(name, [20]).restore(PLANES, TABLES, 20) for name in names)
    assert torch.equal(none, load_method(str(tmp_path), [20]).restore(PLANES, TABLES, 20))
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
