"""The nodes as ComfyUI calls them: inputs by name, in inference mode, with its own modules or stand-ins for them."""

import importlib
import io
import sys
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import png as pypng
import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer, UnreadableImageError, __version__
from argan_hf.cli import main
from tests.conftest import jpeg_bytes, png_bytes, scramble

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"
IMAGE_NODE, FILE_NODE = "ArganRestoreImage", "ArganLoadAndRestoreImage"


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """The package as ComfyUI imports it, with an input folder."""
    folder = tmp_path / "input"
    folder.mkdir()
    stand_in: Any = types.ModuleType("folder_paths")
    stand_in.get_input_directory = lambda: str(folder)
    stand_in.get_annotated_filepath = lambda name: str(folder / name)
    stand_in.exists_annotated_filepath = lambda name: (folder / name).exists()
    stand_in.filter_files_content_types = lambda files, kinds: [name for name in files if not name.endswith(".txt")]
    monkeypatch.setitem(sys.modules, "folder_paths", stand_in)
    spec = importlib.util.spec_from_file_location("argan_comfyui", FOLDER / "__init__.py")
    assert spec
    assert spec.loader
    package = importlib.util.module_from_spec(spec)
    sys.modules["argan_comfyui"] = package
    spec.loader.exec_module(package)
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "argan_comfyui"]:
        del sys.modules[name]


@pytest.fixture
def model(tmp_path: Path, residual_config: ArganConfig) -> str:
    """A small color network, conditioned on the tables, with a variant for realism."""
    folder = tmp_path / "network"
    network = scramble(ArganForImageRestoration(residual_config))
    network.save_pretrained(folder)
    for parameter in network.parameters():
        parameter.data *= 0.9
    network.save_pretrained(folder, variant="realism")
    return str(folder)


def _run(nodes: types.ModuleType, name: str, **given: Any) -> tuple[Tensor, ...]:
    """Call a node as ComfyUI does: defaults of `INPUT_TYPES` where nothing else is given."""
    node = nodes.NODE_CLASS_MAPPINGS[name]
    declared = {key: value for part in node.INPUT_TYPES().values() for key, value in part.items()}
    assert given.keys() <= declared.keys()
    defaults = {key: kind[1]["default"] for key, kind in declared.items() if len(kind) > 1 and "default" in kind[1]}
    with torch.inference_mode():
        results: tuple[Tensor, ...] = getattr(node(), node.FUNCTION)(**defaults | given)
    assert len(results) == len(node.RETURN_TYPES)
    return results


def _image(picture: Image.Image) -> Tensor:
    """An IMAGE of one picture, as "Load Image" makes it."""
    return torch.from_numpy(np.array(picture).astype(np.float32) / 255.0)[None]


def _put(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / "input" / name
    path.write_bytes(data)
    return path


def test_a_decoded_jpeg_becomes_what_the_restorer_makes_of_its_pixels(
    nodes: types.ModuleType, model: str, photo: Image.Image
) -> None:
    decoded = Image.open(io.BytesIO(jpeg_bytes(photo, quality=20)))
    (restored,) = _run(nodes, IMAGE_NODE, image=_image(decoded), model=model)
    expected = JpegRestorer.from_pretrained(model)(np.array(decoded))
    assert expected.report.history.saves  # found in the pixels, so the samples arrived unchanged
    assert torch.equal(restored, _image(expected.image))
    assert (restored.dtype, restored.device.type) == (torch.float32, "cpu")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_batch_equals_its_images_one_by_one(
    nodes: types.ModuleType, model: str, photo: Image.Image, channels: int
) -> None:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    crops = [photo.crop((x, 8, x + 72, 64)).convert(mode) for x in (0, 40)]
    crops[0].putalpha(77) if channels == 4 else None
    batch = torch.cat([_image(crop).reshape(1, 56, 72, channels) for crop in crops])
    (restored,) = _run(nodes, IMAGE_NODE, image=batch, model=model)
    assert restored.shape == batch.shape
    for number in range(2):
        (alone,) = _run(nodes, IMAGE_NODE, image=batch[number : number + 1], model=model)
        assert torch.equal(restored[number : number + 1], alone)
    assert not torch.equal(restored, batch)
    if channels == 4:
        assert torch.equal(restored[..., 3], batch[..., 3])


def test_a_gray_image_stays_gray(nodes: types.ModuleType, model: str, photo: Image.Image) -> None:
    gray = Image.open(io.BytesIO(jpeg_bytes(photo.convert("L"), quality=20))).convert("RGB")
    (restored,) = _run(nodes, IMAGE_NODE, image=_image(gray), model=model)
    assert restored.shape[3] == 3
    assert torch.equal(restored[..., 0], restored[..., 1])
    assert torch.equal(restored[..., 0], restored[..., 2])


def test_a_single_step_of_16_bits_is_not_rounded(nodes: types.ModuleType, model: str) -> None:
    samples = 257 * np.random.default_rng(0).integers(0, 255, (24, 32, 3)) + 1
    image = torch.from_numpy(samples.astype(np.float32) / 65535.0)[None]
    (kept,) = _run(nodes, IMAGE_NODE, image=image, strength=0.0, model=model)
    assert torch.equal(kept, image)


def test_samples_between_the_steps_of_8_bits_are_not_rounded(nodes: types.ModuleType, model: str) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (40, 48, 3)).astype(np.uint16)
    image = torch.from_numpy(samples.astype(np.float32) / 65535.0)[None]
    (kept,) = _run(nodes, IMAGE_NODE, image=image, strength=0.0, model=model)
    assert torch.equal((kept[0].double() * 65535).round(), torch.from_numpy(samples.astype(np.float64)))
    (restored,) = _run(nodes, IMAGE_NODE, image=image, model=model)
    expected = JpegRestorer.from_pretrained(model)(samples).samples
    assert torch.equal(restored[0], torch.from_numpy(expected.astype(np.float32) / 65535.0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_an_image_stays_on_its_device(nodes: types.ModuleType, model: str, photo: Image.Image) -> None:
    image = _image(photo.crop((0, 0, 64, 48))).cuda()
    (restored,) = _run(nodes, IMAGE_NODE, image=image, model=model)
    assert (restored.device, restored.shape) == (image.device, image.shape)
    expected = JpegRestorer.from_pretrained(model)(np.array(photo.crop((0, 0, 64, 48))))
    assert torch.equal(restored.cpu(), _image(expected.image))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_dtypes_come_back_and_their_8_bits_are_found(
    nodes: types.ModuleType, model: str, photo: Image.Image, dtype: torch.dtype
) -> None:
    image = _image(photo.crop((0, 0, 64, 48)))
    (restored,) = _run(nodes, IMAGE_NODE, image=image.to(dtype), model=model)
    (expected,) = _run(nodes, IMAGE_NODE, image=image, model=model)
    assert torch.equal(restored, expected.to(dtype))
    assert restored.dtype == dtype


def test_values_beyond_the_range_are_clipped(nodes: types.ModuleType, model: str, photo: Image.Image) -> None:
    image = _image(photo.crop((0, 0, 48, 48)))
    image[:, :8], image[:, 8:16] = 0.0, 1.0
    beyond = image.clone()
    beyond[:, :8], beyond[:, 8:16] = -0.5, 1.5
    (restored,) = _run(nodes, IMAGE_NODE, image=beyond, model=model, strength=0.0)
    assert torch.equal(restored, image)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.full((1, 8, 8, 3), float("nan")), "no numbers"),
        (torch.zeros(8, 8, 3), "connect an output of type IMAGE"),
        (torch.zeros(1, 8, 8, 3, dtype=torch.uint8), "in floating point"),
    ],
)
def test_what_is_no_image_is_refused(nodes: types.ModuleType, model: str, image: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _run(nodes, IMAGE_NODE, image=image, model=model)


@pytest.mark.parametrize("settings", [{}, {"strength": 0.5}, {"realism": 0.5, "faithful": False, "history": False}])
def test_a_file_becomes_what_the_restorer_makes_of_it(
    nodes: types.ModuleType, model: str, tmp_path: Path, photo: Image.Image, settings: dict[str, Any]
) -> None:
    path = _put(tmp_path, "photo.jpg", jpeg_bytes(photo, quality=20))
    image, mask = _run(nodes, FILE_NODE, image="photo.jpg", model=model, **settings)
    assert torch.equal(image, _image(JpegRestorer.from_pretrained(model)(path, **settings).image))
    assert torch.equal(mask, torch.zeros(1, 64, 64))


def test_a_file_becomes_what_the_command_writes(
    nodes: types.ModuleType, model: str, tmp_path: Path, photo: Image.Image
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = _put(tmp_path, "photo.jpg", jpeg_bytes(photo, quality=20, exif=exif))
    image, _ = _run(nodes, FILE_NODE, image="photo.jpg", model=model)
    assert main(["restore", str(path), "--model", model, "-o", str(tmp_path / "out.png")]) == 0
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == photo.size[::-1]
        assert torch.equal(image, _image(written))


def test_alpha_becomes_the_mask(nodes: types.ModuleType, model: str, tmp_path: Path, photo: Image.Image) -> None:
    picture = photo.crop((0, 0, 64, 48))
    picture.putalpha(Image.linear_gradient("L").resize((64, 48)))
    _put(tmp_path, "alpha.png", png_bytes(picture))
    image, mask = _run(nodes, FILE_NODE, image="alpha.png", model=model)
    assert image.shape == (1, 48, 64, 3)
    assert torch.equal(mask, 1.0 - _image(picture.getchannel("A")))


def test_a_file_keeps_its_16_bits(nodes: types.ModuleType, model: str, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (40, 48, 2)).astype(np.uint16)
    buffer = io.BytesIO()
    pypng.Writer(48, 40, greyscale=True, alpha=True, bitdepth=16).write(buffer, samples.reshape(40, -1).tolist())
    _put(tmp_path, "deep.png", buffer.getvalue())
    image, mask = _run(nodes, FILE_NODE, image="deep.png", model=model, strength=0.0)
    expected = torch.from_numpy(samples.astype(np.float32) / 65535.0)
    assert all(torch.equal(image[0, ..., channel], expected[..., 0]) for channel in range(3))
    assert torch.equal(mask[0], 1.0 - expected[..., 1])


def test_cmyk_becomes_rgb(nodes: types.ModuleType, model: str, tmp_path: Path, photo: Image.Image) -> None:
    path = _put(tmp_path, "print.jpg", jpeg_bytes(photo.convert("CMYK"), quality=30))
    image, _ = _run(nodes, FILE_NODE, image="print.jpg", model=model)
    data, _ = JpegRestorer.from_pretrained(model)(path).encode(".png")
    assert torch.equal(image, _image(Image.open(io.BytesIO(data))))


def test_files_are_listed_checked_and_followed(nodes: types.ModuleType, tmp_path: Path, photo: Image.Image) -> None:
    for name in ("b.png", "a.jpg", "notes.txt"):
        _put(tmp_path, name, name.encode())
    (tmp_path / "input" / "folder").mkdir()
    node = nodes.NODE_CLASS_MAPPINGS[FILE_NODE]
    assert node.INPUT_TYPES()["required"]["image"] == (["a.jpg", "b.png"], {"image_upload": True})
    assert node.VALIDATE_INPUTS("a.jpg") is True
    assert node.VALIDATE_INPUTS("c.jpg").startswith("there is no file c.jpg")
    before = node.IS_CHANGED(image="a.jpg", strength=1.0)
    assert node.IS_CHANGED(image="a.jpg", strength=0.5) == before
    _put(tmp_path, "a.jpg", b"another")
    assert node.IS_CHANGED(image="a.jpg", strength=1.0) != before
    with pytest.raises(UnreadableImageError, match=r"b\.png"):
        _run(nodes, FILE_NODE, image="b.png")


def test_models_are_loaded_once_on_the_device_of_comfyui_which_is_told_of_progress(
    nodes: types.ModuleType, model: str, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[Any] = []

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.total, self.values = total, []
            bars.append(self)

        def update_absolute(self, value: int) -> None:
            self.values.append(value)

    comfy, utils, management = (types.ModuleType(f"comfy{part}") for part in ("", ".utils", ".model_management"))
    utils.ProgressBar = ProgressBar  # type: ignore[attr-defined]
    management.get_torch_device = lambda: torch.device("cpu")  # type: ignore[attr-defined]
    for module in (comfy, utils, management):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    loaded = []
    load = JpegRestorer.from_pretrained
    monkeypatch.setattr(
        JpegRestorer, "from_pretrained", lambda name, **options: loaded.append((name, options)) or load(name, **options)
    )
    batch = _image(photo.crop((0, 0, 48, 48))).repeat(2, 1, 1, 1)
    for realism in (0.0, 0.5):
        _run(nodes, IMAGE_NODE, image=batch, model=model, realism=realism)
    assert loaded == [(model, {"device": torch.device("cpu")})]
    assert len(bars) == 2
    assert bars[0].values == sorted(bars[0].values)
    assert bars[0].values[-1] == bars[0].total
    with pytest.raises(ValueError, match="strength must lie in"):
        _run(nodes, IMAGE_NODE, image=batch, model=model, strength=2.0)


def test_one_version_is_stated() -> None:
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert project["dependencies"] == (FOLDER / "requirements.txt").read_text(encoding="utf-8").split()
