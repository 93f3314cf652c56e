"""The ONNX files of published repositories, used as their cards say: in Python, and in transformers.js."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image

from argan_hf.export import InexactExportError
from argan_hf.hub import onnx_files, transformers_js
from argan_hf.hub.publish import stage
from argan_hf.networks import load_network
from argan_hf.rgb_network import restore_rgb
from tests.export.conftest import tiny_checkpoint

pytestmark = pytest.mark.slow

_JS = Path(__file__).parents[1] / "transformers_js"
_MODULES = _JS / "node_modules"
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and _MODULES.is_dir()),
    reason="needs Node.js and transformers.js: npm ci --prefix tests/transformers_js --ignore-scripts",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the repositories me/net and me/net-ONNX."""
    folder = tmp_path_factory.mktemp("published")
    checkpoint = tiny_checkpoint(tmp_path_factory.mktemp("runs") / "net")
    (folder / "me/net").mkdir(parents=True)
    stage(checkpoint, "me/net", folder / "me/net")

    # An export takes seconds, and the first repository holds what this one asks for.
    def export_again(source: Path, path: Path, *, kind: str, dtype: torch.dtype = torch.float32) -> None:
        assert (source, kind) == (checkpoint, "rgb")
        ending = "_fp16" if dtype == torch.float16 else ""
        shutil.copyfile(folder / f"me/net/onnx/model_rgb{ending}.onnx", path)

    (folder / "me/net-ONNX").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_files, "export_onnx", export_again)
        transformers_js.stage_transformers_js(checkpoint, "me/net-ONNX", folder / "me/net-ONNX")
    return folder


def _snippets(card: Path, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    return [code for code in found if language != "python" or "onnxruntime" in code]


def _rounded(planes: torch.Tensor) -> np.ndarray:
    """Planes (1, C, H, W) of 0..1 as samples (H, W, C)."""
    return (planes[0].clamp(0, 1) * 255).round().to(torch.uint8).movedim(0, -1).numpy()


def _restored(published: Path, picture: Image.Image) -> np.ndarray:
    network = load_network(published / "me/net")
    pixel_values = torch.from_numpy(np.array(picture)).movedim(-1, 0)[None] / 255
    with torch.no_grad():
        return _rounded(restore_rgb(lambda planes: network(planes).reconstruction, pixel_values, 3))


def _run_node(script: Path, *arguments: object) -> None:
    command = ["node", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_snippets_of_the_card_restore_a_picture(
    published: Path, tmp_path: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["model.onnx", "model_fp16.onnx", "model_rgb.onnx", "model_rgb_fp16.onnx"]
    assert sorted(path.name for path in (published / "me/net/onnx").iterdir()) == names
    photo.save(tmp_path / "photo.jpg", quality=20)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *parts: published.joinpath(*parts))
    results = []
    for code in _snippets(published / "me/net/README.md", "python"):
        exec(compile(code, "README.md", "exec"), {})
        with Image.open(tmp_path / "photo.png") as image:
            results.append(np.array(image))
    blind, told = results
    with Image.open(tmp_path / "photo.jpg") as image:
        assert np.abs(blind - _restored(published, image).astype(int)).max() <= 1
        planes = torch.from_numpy(np.array(image.convert("YCbCr"))).movedim(-1, 0)[None] / 255
        tables = torch.tensor([image.quantization[table] for table in (0, 1, 1)]).reshape(1, 3, 8, 8)
    with torch.no_grad():
        samples = _rounded(load_network(published / "me/net")(planes, tables).reconstruction)
    expected = np.array(Image.fromarray(samples, "YCbCr").convert("RGB"), int)
    assert np.abs(told - expected).max() <= 2  # a level of luma and chroma each, where both round


def test_16_bits_are_left_out_where_they_are_too_few(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def too_few(source: Path, path: Path, *, kind: str, dtype: torch.dtype = torch.float32) -> None:
        if dtype == torch.float16:
            raise InexactExportError("it differs by 0.01")
        path.write_bytes(b"")

    monkeypatch.setattr(onnx_files, "export_onnx", too_few)
    transformers_js.stage_transformers_js("argan-jpeg-color", "me/net-ONNX", tmp_path)
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["model.onnx"]
    assert "model_fp16.onnx is left out, because 16 bits are too few" in caplog.text


@needs_node
def test_transformers_js_computes_what_pytorch_computes(published: Path, photo: Image.Image) -> None:
    photo.save(published / "photo.png")
    inputs = {
        "pixel_values": torch.rand(2, 3, 21, 34),
        "quantization": torch.randint(0, 99, (2, 3, 8, 8), dtype=torch.int32),
    }
    for name, tensor in inputs.items():
        (published / name).write_bytes(tensor.numpy().tobytes())
    dims = {name: list(tensor.shape) for name, tensor in inputs.items()}
    (published / "inputs.json").write_text(json.dumps({"dims": dims}))
    _run_node(_JS / "run.js", published)
    # 1. The network itself, on planes.
    with torch.no_grad():
        expected = load_network(published / "me/net")(**inputs).reconstruction.numpy()
    found = np.frombuffer((published / "reconstruction").read_bytes(), np.float32).reshape(expected.shape)
    assert np.abs(found - expected).max() < 1e-5
    # 2. The pipeline, from picture to picture. It rounds to the nearest level, as we do.
    picture = _restored(published, photo).astype(int)
    for dtype, differing in (("fp32", 1e-4), ("fp16", 0.1)):
        assert json.loads((published / f"restored-{dtype}.json").read_text()) == [photo.height, photo.width, 3]
        samples = np.frombuffer((published / f"restored-{dtype}").read_bytes(), np.uint8).reshape(picture.shape)
        difference = np.abs(samples - picture)
        assert difference.max() <= 1
        assert (difference > 0).mean() <= differing


@needs_node
@pytest.mark.parametrize("name", ["me/net", "me/net-ONNX"])
def test_the_snippets_for_transformers_js(published: Path, tmp_path: Path, photo: Image.Image, name: str) -> None:
    (code,) = _snippets(published / name / "README.md", "js")
    local = f'import {{ env }} from "@huggingface/transformers";\nenv.allowRemoteModels = false;\n{code}'
    local = local.replace(";\n", f";\nenv.localModelPath = {json.dumps(str(published))};\n", 1)
    (tmp_path / "snippet.mjs").write_text(local)
    (tmp_path / "node_modules").symlink_to(_MODULES)
    photo.save(tmp_path / "photo.jpg", quality=20)
    _run_node(tmp_path / "snippet.mjs")
    with Image.open(tmp_path / "photo.jpg") as image, Image.open(tmp_path / "photo.png") as restored:
        # Decoders of JPEG differ by a level or two, which changes what is restored.
        difference = np.abs(np.array(restored.convert("RGB"), int) - _restored(published, image))
    assert difference.max() <= 8
    assert difference.mean() < 0.5


def test_the_other_card_says_what_it_is(published: Path) -> None:
    card = ModelCard.load(published / "me/net-ONNX/README.md")
    assert card.data.to_dict() == {
        "base_model": "me/net",
        "library_name": "transformers.js",
        "license": "apache-2.0",
        "pipeline_tag": "image-to-image",
        "tags": ["image-restoration", "jpeg-artifact-removal"],
    }
    assert "config.json` calls the network `swin2sr`. It is none" in card.text
    files = {
        path.relative_to(published / "me/net-ONNX").as_posix() for path in (published / "me/net-ONNX").rglob("*.*")
    }
    assert files == {
        "README.md",
        "config.json",
        "onnx/model.onnx",
        "onnx/model_fp16.onnx",
        "preprocessor_config.json",
    }
