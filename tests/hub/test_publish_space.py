"""`argan publish --space`: what arrives is a Space that starts where this repository is not."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argan_hf.cli import main
from argan_hf.hub.space import stage_space

from .repositories import Hub

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]

_PUBLISH = """
from argan_hf.cli import main
result = main(["publish", "--space", "tester/page"])
"""

_PUBLISH_ON_PAID_HARDWARE = """
import contextlib, io
from argan_hf.cli import main
with contextlib.redirect_stderr(io.StringIO()) as words:
    code = main(["publish", "--space", "tester/paid", "--hardware", "cpu-basic"])
result = [code, words.getvalue()]
"""

_UPLOAD = """
from argan_hf.hub.upload import upload_space

def stage(*names):
    def write(repo_id, folder):
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(repo_id)
    return write

first = stage("app.py", "link.txt", "own/old.py", "own/app.py")
upload_space(first, "changing", sdk="static", message="First")
upload_space(stage("app.py", "own/app.py"), "changing", sdk="static", message="Second", optional=["link.txt"])
try:
    upload_space(stage("app.py"), "changing", sdk="gradio", hardware="zero-a10g", message="Third")
except ValueError as error:
    result = str(error)
"""

_START = """
import app
from argan_hf.checkpoint_files import CHECKPOINTS
from pathlib import Path
assert Path(app.__file__).parent == CHECKPOINTS.parents[1] == Path.cwd(), CHECKPOINTS
page = app.build()
import network, pictures, wishes
given = pictures.keep(wishes.EXAMPLES[0], "city.png")
pictures.look_at(given)
choices = pictures.Choices(compress_at=20)
result = network.restore(given, choices, pictures.Settings(), lambda share, words: None)
print(result.path.suffix, result.path.is_file())
"""


def test_a_space_is_complete_and_starts_by_itself(hub: Hub, run_on_hub: Callable[..., Any], tmp_path: Path) -> None:
    assert run_on_hub(_PUBLISH) == 0
    assert hub.log("spaces", "tester/page") == ["initial commit", "Publish the demo"]
    files = hub.files("spaces", "tester/page")
    assert hub.repositories["spaces", "tester/page"].hardware == "zero-a10g"
    assert {
        "app.py",
        "network.py",
        "studio/studio.js",
        "README.md",
        "requirements.txt",
        "argan_hf/modeling_argan.py",
    } <= set(files)
    assert not any("ar-cnn" in name or "__pycache__" in name for name in files)
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", _START], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == ".png True"


def test_a_space_loses_what_is_no_part_of_it_any_more_and_keeps_its_kind(
    hub: Hub, run_on_hub: Callable[..., Any]
) -> None:
    words = run_on_hub(_UPLOAD)
    assert words == "tester/changing is a Space of the kind static, expected gradio: choose another name"
    assert hub.log("spaces", "tester/changing") == ["initial commit", "First", "Second"]
    first = hub.repositories["spaces", "tester/changing"].branches["main"][1].files
    assert set(first) == {".gitattributes", "app.py", "link.txt", "own/old.py", "own/app.py"}
    assert set(hub.files("spaces", "tester/changing")) == {".gitattributes", "app.py", "own/app.py"}


def test_a_space_links_to_the_page_for_browsers(tmp_path: Path) -> None:
    stage_space("me/demo", tmp_path / "without")
    assert not (tmp_path / "without" / "static_page.txt").exists()
    stage_space("me/demo", tmp_path / "with", "me/page")
    assert (tmp_path / "with" / "static_page.txt").read_text() == "https://huggingface.co/spaces/me/page"


def test_a_space_installs_what_the_page_imports() -> None:
    names = {"PIL": "pillow"}
    listed = set(re.findall(r"^[a-z-]+", (_ROOT / "space/requirements.txt").read_text(), re.MULTILINE))
    provided = {"gradio", "huggingface_hub", "spaces"}  # by the platform
    provided |= {"spandrel"}  # for the networks of others alone
    own = {path.stem for path in (_ROOT / "space").glob("*.py")} | {"argan_hf"}
    # Commands, training, measuring, exports, and what is registered with spandrel, are not part of the page.
    other = ("cli", "training", "evaluation", "export", "hub", "baselines", "spandrel.py")
    files = [
        path
        for path in (_ROOT / "argan_hf").rglob("*.py")
        if path.relative_to(_ROOT / "argan_hf").parts[0] not in other
    ]
    imported = set()
    for path in [*files, *(_ROOT / "space").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.split(".")[0])
    needed = {names.get(name, name) for name in imported - set(sys.stdlib_module_names) - own - provided}
    assert needed <= listed


def test_hardware_that_a_plan_does_not_include_is_one_sentence(hub: Hub, run_on_hub: Callable[..., Any]) -> None:
    code, words = run_on_hub(_PUBLISH_ON_PAID_HARDWARE)
    assert code == 2
    assert "the Hub asks for a paid plan for a Space on cpu-basic." in words
    assert "may have two Spaces on ZeroGPU" in words
    assert words.count("\n") == 1
    assert ("spaces", "tester/paid") not in hub.repositories


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["folder"], "name what to publish and where"),
        ([], "name what to publish and where"),
        (["folder", "me/net", "--space", "me/demo"], "--space ID publishes the demo alone"),
        (["--space", "no good name"], "no good name"),
        (["folder", "me/net", "--hardware", "zero-a10g"], "--hardware is for the demo"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *arguments, "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_dry_run_shows_the_space(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", "--space", "me/demo", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "  app.py\n" in out
    assert "sdk: gradio" in out
