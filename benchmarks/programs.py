"""One JPEG file through every program that runs these networks: `python benchmarks/programs.py`.

With `pip install -e ".[onnx,spandrel]"`. Each row compares two ways that should give the same, and says by how many
gray levels samples differ at most, and how many pixels do when both are rounded.
"""

import argparse
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import spandrel
import torch
from PIL import Image
from spandrel.architectures.FBCNN import FBCNN

import argan_hf.spandrel  # noqa: F401  (spandrel then knows our networks)
from argan_hf import JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.cli import main as argan
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.export import export_onnx
from argan_hf.jpeg.file import read_jpeg
from argan_hf.plain_network import load_plain_network
from argan_hf.rgb_network import RgbNetwork

ROOT = Path(__file__).parents[1]
_EXAMPLE = sorted((ROOT / "space" / "examples").glob("*.png"))[1]
QUALITY = 20


def _pixels(image: Image.Image | Path) -> np.ndarray:
    """RGB of a picture or its file, float32 (H, W, 3), 0..255."""
    return np.asarray(image if isinstance(image, Image.Image) else Image.open(image), dtype=np.float32)


def _as_input(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255.0


def _as_pixels(tensor: torch.Tensor) -> np.ndarray:
    """(1, 3, H, W), 0..1, as (H, W, 3), 0..255, not rounded."""
    return (tensor[0].permute(1, 2, 0) * 255.0).numpy()


def _run_onnx(path: Path, **inputs: np.ndarray) -> torch.Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, inputs)[0])


def _nodes(folder: Path) -> ModuleType:
    """The nodes for ComfyUI, whose input folder is `folder`."""
    stand_in = ModuleType("folder_paths")
    stand_in.get_annotated_filepath = lambda name: str(folder / name)  # type: ignore[attr-defined]
    sys.modules["folder_paths"] = stand_in
    sys.path.insert(0, str(ROOT / "integrations"))
    return import_module("comfyui")


def compare(folder: Path, picture: Path) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """Pairs of results that should be equal: names, and samples of 0..255."""
    # 1. The file, what its decoder shows, and a random FBCNN.
    jpeg, png = folder / "photo.jpg", folder / "decoded.png"
    Image.open(picture).convert("RGB").save(jpeg, quality=QUALITY)
    Image.open(jpeg).save(png)
    shown, file = _as_input(_pixels(png)), read_jpeg(Image.open(jpeg))
    torch.manual_seed(0)
    torch.save(FBCNN(nc=[16, 24, 32, 512], nb=2).state_dict(), folder / "fbcnn.pth")
    # 2. Our command line, in its own dtype.
    options = ["--device", "cpu", "--overwrite"]
    argan(["restore", str(jpeg), "-o", str(folder / "ours.png"), *options])
    argan(["restore", str(png), "-o", str(folder / "ours-of-png.png"), *options])
    fbcnn = ["--model", str(folder / "fbcnn.pth"), "--no-history"]
    argan(["restore", str(png), "-o", str(folder / "fbcnn.png"), *fbcnn, *options])
    # 3. Our network in float32, from planes and from RGB.
    plain = load_plain_network(DEFAULT_CHECKPOINT)
    if plain is None:
        raise RuntimeError("the default network cannot be loaded")
    planes, tables = file.planes[None] / 255.0, file.tables[None].int()
    rgb = RgbNetwork(plain.config)
    rgb.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        told, blind = plain(planes, tables).reconstruction, rgb.eval()(shown)
    # 4. The same in other programs.
    weights = CHECKPOINTS / DEFAULT_CHECKPOINT / "model.safetensors"
    in_spandrel = spandrel.ModelLoader().load_from_file(weights)(shown)
    onnx = {}
    for kind in ("told", "rgb"):
        for dtype in (torch.float32, torch.float16):
            path = folder / f"{kind}-{dtype}.onnx"
            export_onnx(DEFAULT_CHECKPOINT, path, kind=kind, dtype=dtype)
            given = {"pixel_values": planes.numpy(), "quantization": tables.numpy()}
            onnx[kind, dtype] = _run_onnx(path, **(given if kind == "told" else {"pixel_values": shown.numpy()}))
    nodes = _nodes(folder).NODE_CLASS_MAPPINGS
    image, _ = nodes["ArganLoadAndRestoreImage"]().restore("photo.jpg", 1.0, 0.0, True, True)
    (from_image,) = nodes["ArganRestoreImage"]().restore(shown.permute(0, 2, 3, 1), 1.0, 0.0, True)
    restorer = JpegRestorer.from_pretrained(dtype=torch.float32, device="cpu")
    of_file = restorer(jpeg, history=False)
    held = restorer(jpeg, history=False, reconstruction=onnx["told", torch.float32][0].clamp(0, 1) * 255)
    in_theirs = spandrel.ModelLoader().load_from_file(folder / "fbcnn.pth")(shown)
    tensors = [
        ("ONNX Runtime, told", "PyTorch, planes and tables", onnx["told", torch.float32], told),
        ("ONNX Runtime, told, float16", "the same", onnx["told", torch.float16], told),
        ("ONNX Runtime, rgb", "PyTorch, RGB", onnx["rgb", torch.float32], blind),
        ("ONNX Runtime, rgb, float16", "the same", onnx["rgb", torch.float16], blind),
        ("spandrel with our weights", "the same", in_spandrel, blind),
        ("`argan restore --model fbcnn.pth` of a PNG", "spandrel", _as_input(_pixels(folder / "fbcnn.png")), in_theirs),
    ]
    pictures = [
        (
            "ONNX Runtime, told, held to the file",
            "`JpegRestorer`, float32",
            _pixels(held.image),
            _pixels(of_file.image),
        ),
        ("ComfyUI, file", "`argan restore photo.jpg`", image[0].numpy() * 255, _pixels(folder / "ours.png")),
        (
            "ComfyUI, image",
            "`argan restore` of a PNG",
            from_image[0].numpy() * 255,
            _pixels(folder / "ours-of-png.png"),
        ),
    ]
    return [(a, b, _as_pixels(this), _as_pixels(that)) for a, b, this, that in tensors] + pictures


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=_EXAMPLE)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        rows = compare(Path(name), options.picture)
    print("| this | beside that | largest difference | pixels that differ when rounded |")
    print("| --- | --- | ---: | ---: |")
    for this, that, found, expected in rows:
        differing = (found.round() != expected.round()).any(axis=2).mean()
        print(f"| {this} | {that} | {np.abs(found - expected).max():.2g} | {differing:.3%} |")


if __name__ == "__main__":
    main()
