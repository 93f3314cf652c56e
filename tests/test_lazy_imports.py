"""`import argan_hf` and quick commands import neither torch nor transformers, which know the networks all the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import argan_hf
from argan_hf import jpeg
from tests.conftest import jpeg_bytes

_HEAVY = ("torch", "transformers", "huggingface_hub", "safetensors")

_IS_LIGHT = f"""
import sys
heavy = sorted(set({_HEAVY}) & set(sys.modules))
assert not heavy, heavy
"""

# Runs a command line, and prints its exit code.
_COMMAND = """
from argan_hf.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print("exit code", code)
"""

_ALL_IS_REGISTERED = """
import pickle, sys
import transformers
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageToImage
from transformers.pipelines import PIPELINE_REGISTRY
config = AutoConfig.for_model("argan")
model = AutoModelForImageToImage.from_config(config)
assert type(model).__name__ == "ArganForImageRestoration", type(model)
assert {"argan_discriminator", "ar_cnn", "d3"} <= set(transformers.CONFIG_MAPPING)
assert "jpeg-restoration" in PIPELINE_REGISTRY.get_supported_tasks()
assert model._auto_class == "AutoModelForImageToImage"
assert not [finder for finder in sys.meta_path if type(finder).__module__ == "argan_hf.import_hook"]
for module in (transformers, sys.modules["argan_hf.modeling_argan"]):
    assert "Watched" not in type(module.__spec__.loader).__name__
assert "Watched" not in type(module.__loader__).__name__
"""


def _run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_alone_is_light() -> None:
    _run(f"import argan_hf, argan_hf.jpeg, argan_hf.containers; argan_hf.UnreadableImageError{_IS_LIGHT}")


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["--help"], "show versions, device and a trial", 0),
        (["--version"], argan_hf.__version__, 0),
        (["restore", "--help"], "--max-megapixels", 0),
        (["inspect", "--help"], "--history", 0),
        (["inspect", "photo.jpg"], "quality 23 (standard tables)", 0),
        (["inspect", "cut.jpg", "photo.png", "deep.png"], "deep.png: 207x153, PNG, 16 bits per channel", 1),
        (["restore", "photo.jpg", "--quality", "0"], "", 2),
        (["restore", "photo.jpg", "-o", "result.xyz"], "", 2),
        (["restore", "missing.jpg", "lost.jpg"], "2 pictures: 2 failed", 2),
        (["restore", "photo.jpg", "--dry-run"], "photo-restored.png (207x153)", 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_quick_commands_are_light(
    arguments: list[str], words: str, code: int, tmp_path: Path, photo: Image.Image
) -> None:
    data = jpeg_bytes(photo, quality=23)
    (tmp_path / "photo.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-400])
    photo.save(tmp_path / "photo.png")
    photo.convert("I;16").save(tmp_path / "deep.png")
    arguments = [str(tmp_path / part) if "." in part else part for part in arguments]
    printed = _run(f"import sys{_COMMAND}{_IS_LIGHT}", *arguments)
    assert words in printed
    assert printed.endswith(f"exit code {code}\n")


@pytest.mark.parametrize("model", ["argan-jpeg-color", "argan-jpeg-luma"])
def test_restoring_a_picture_needs_no_transformers(model: str, tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "photo.jpg", quality=23)
    printed = _run(
        f"import sys{_COMMAND}assert not {{'transformers', 'huggingface_hub', 'torch._dynamo'}} & set(sys.modules)",
        *("restore", tmp_path / "photo.jpg", "--device", "cpu", "--model", model),
    )
    assert printed.endswith("exit code 0\n")
    assert (tmp_path / "photo-restored.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    [
        "import argan_hf",
        "import transformers, argan_hf",
        "import argan_hf, importlib.util as u; assert u.find_spec('transformers').loader.get_source('transformers')",
        "import argan_hf.training.trainer",
        "import argan_hf.auto_classes",
        "import argan_hf.modeling_argan, importlib; import argan_hf; importlib.reload(argan_hf)",
        r"import pickle; pickle.loads(b'cargan_hf.restoration\nJpegRestorer\n.')",
    ],
)
def test_transformers_knows_the_networks_in_every_order_of_imports(first: str) -> None:
    _run(first + _ALL_IS_REGISTERED)


@pytest.mark.slow
def test_transformers_knows_the_networks_if_threads_import_at_once() -> None:
    _run(
        f"""
import importlib, threading
import argan_hf
names = ("transformers", "argan_hf.restoration", "argan_hf.pipeline_argan", "argan_hf.baselines.ar_cnn", "transformers")
gate = threading.Barrier(len(names))
failed = []

def load(name):
    gate.wait()
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed.append(error)

threads = [threading.Thread(target=load, args=(name,)) for name in names]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
{_ALL_IS_REGISTERED}"""
    )


def test_where_transformers_cannot_be_imported_the_package_still_can() -> None:
    """A plain failure is seen by whoever needs it, and it can be tried again."""
    _run(
        """
import sys
sys.modules["transformers"] = None
import argan_hf
for _ in range(2):
    try:
        import transformers
    except ImportError as error:
        assert "transformers" in str(error)
    else:
        raise AssertionError
assert argan_hf.UnreadableImageError
"""
    )


def test_an_import_within_that_of_transformers_does_not_register_yet(tmp_path: Path) -> None:
    (tmp_path / "transformers.py").write_text("import argan_hf\nNAME = 'unfinished'\n")
    _run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import transformers; assert transformers.NAME")


@pytest.mark.parametrize("package", [argan_hf, jpeg])
def test_public_names_are_there(package: object) -> None:
    names: list[str] = package.__all__  # type: ignore[attr-defined]
    assert set(names) <= set(dir(package))
    assert all(getattr(package, name).__name__ == name for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        package.Nonsense  # type: ignore[attr-defined]  # noqa: B018
