"""Publishes the page that restores pictures in the browser: a folder for any static web server, or a static Space.

The page, its engine and its libraries are put together by `web/stage.js`. What comes from Python are the network, the
examples and the README.
"""

import io
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from huggingface_hub.utils import validate_repo_id
from PIL import Image

from ..defaults import DEFAULT_CHECKPOINT
from ..export import export_web, require_onnx
from ..export.onnx_export import checkpoint_name, folder_beside
from ..export.web import names_in, put_in_place
from .addresses import page_address
from .template import fill
from .upload import upload_space

_TEMPLATE = Path(__file__).parent / "static_page.md"
_CHECKOUT = Path(__file__).parents[2]
_WEB = _CHECKOUT / "web"
_EXAMPLES = _CHECKOUT / "space" / "examples"
# What tells a site from other folders.
_MARK = "site.json"
_QUALITY = 20
_TWICE = "girl"
_CROPPED = (3, 5)
_LATER_QUALITY = 90
_INSTALL = "install Node.js 20.11 or later, with npm"
_OUTPUT_SHOWN = 500


def publish_static(
    repo_id: str,
    checkpoint: str | Path = DEFAULT_CHECKPOINT,
    *,
    private: bool = False,
    token: str | None = None,
    gradio: str | None = None,
) -> str:
    """Publish the page as a static Space in one commit; the Space is created if it does not exist.

    Args:
        repo_id: "owner/name", or a name only, for the owner of the token.
        checkpoint, gradio: as for [`stage_static`].
        private: whether a new Space is private.
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ImportError, OSError, ValueError: as [`stage_static`].
        ValueError, HfHubHTTPError: as [`upload_space`].
    """
    validate_repo_id(repo_id)
    return upload_space(
        lambda _, staged: stage_static(staged, checkpoint, gradio=gradio),
        repo_id,
        sdk="static",
        message="Publish the page",
        private=private,
        token=token,
    )


def write_static(folder: str | Path, checkpoint: str | Path = DEFAULT_CHECKPOINT, *, gradio: str | None = None) -> None:
    """Write the page as a folder for any static web server: whole, or not at all.

    Args:
        folder: is made; it may be empty, and an earlier site in it is replaced.
        checkpoint, gradio: as for [`stage_static`].

    Raises:
        OSError: if the folder holds something else, or cannot be written.
        ImportError, OSError, ValueError: as [`stage_static`].
    """
    folder = Path(os.path.realpath(folder))
    check_replaceable(folder)
    with folder_beside(folder) as scratch:
        written = Path(scratch) / "written"
        written.mkdir()
        stage_static(written, checkpoint, gradio=gradio)
        check_replaceable(folder, {path.name for path in written.iterdir()})
        put_in_place(written, folder, Path(scratch) / "replaced")


def check_replaceable(folder: Path, names: set[str] | None = None) -> None:
    """Make sure that a folder may be replaced by a site.

    Args:
        folder: that need not exist.
        names: at the top of a site; default: not known yet.

    Raises:
        OSError: if the folder holds what is no earlier site, or lies in no folder.
    """
    found = names_in(folder)
    if found and _MARK not in found:
        raise FileExistsError(f"{folder} holds {min(found)}, and is no site that was written before: choose another")
    if names and (others := sorted(found - names)):
        raise FileExistsError(f"{folder} holds {others[0]}, which is no part of a site: choose another folder")


def stage_static(target: Path, checkpoint: str | Path = DEFAULT_CHECKPOINT, *, gradio: str | None = None) -> None:
    """Write all files of the page into a folder.

    Args:
        target: an empty folder.
        checkpoint: whose network the page gets, as for [`export_web`].
        gradio: the page that restores on a server, to which this one links: "owner/name" of a Space, or a URL.

    Raises:
        ImportError: if a library for ONNX is missing.
        OSError: if there is no such checkpoint.
        ValueError: if Node.js is missing or fails, the address is none, the files of the page are missing because the
            package was not installed from a checkout of the repository, or the checkpoint cannot be exported.
    """
    address = page_address(gradio) if gradio else None
    require_onnx()
    if not (_WEB / "stage.js").is_file():
        raise ValueError(f"the page is not at {_WEB}: clone the repository and install it with `pip install -e .`")
    node = _program("node")
    _install_libraries()
    with tempfile.TemporaryDirectory() as scratch:
        weights, examples = Path(scratch) / "weights", Path(scratch) / "examples"
        export_web(checkpoint, weights)
        examples.mkdir()
        _write_examples(examples)
        _run(node, _WEB / "stage.js", target, weights, examples, *([address] if address else []))
    text = fill(_TEMPLATE, gradio=address, name=checkpoint_name(checkpoint))
    (target / "README.md").write_text(text, encoding="utf-8")


def _write_examples(folder: Path) -> None:
    for path in sorted(_EXAMPLES.glob("*.png")):
        with Image.open(path) as image:
            data = _jpeg(image.convert("RGB"), _QUALITY)
        if path.stem == _TWICE:
            with Image.open(io.BytesIO(data)) as saved:
                data = _jpeg(saved.crop((*_CROPPED, *saved.size)), _LATER_QUALITY)
        (folder / f"{path.stem}.jpg").write_bytes(data)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0", optimize=True)
    return buffer.getvalue()


def _install_libraries() -> None:
    """Let npm install what the page needs, unless it is there."""
    package = json.loads((_WEB / "package.json").read_text(encoding="utf-8"))
    if any(_installed_version(name) != version for name, version in package["dependencies"].items()):
        # The tools of a developer stay.
        has_tools = any(map(_installed_version, package.get("devDependencies", {})))
        omitted = () if has_tools else ("--omit=dev",)
        _run(_program("npm"), "ci", "--prefix", _WEB, "--ignore-scripts", *omitted, "--no-audit", "--no-fund")


def _installed_version(name: str) -> str | None:
    try:
        return str(json.loads((_WEB / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return None


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ValueError(f"Node.js puts the page together, but there is no {name}: {_INSTALL}")
    return found


def _run(*command: str | Path) -> None:
    """Run a program of Node.js.

    Raises:
        ValueError: if it fails, with what it says.
    """
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split())[:_OUTPUT_SHOWN]
        raise ValueError(f"the page needs Node.js 20.11 or later, and {Path(command[0]).stem} failed: {words}")
