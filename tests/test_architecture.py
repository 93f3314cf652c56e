"""The plan of the code in `docs/architecture.md` and `pyproject.toml`, held against the code."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from argan_hf import __version__

ROOT = Path(__file__).parents[1]
_DOCS = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
PLAN = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def _files_of_the_tree(top: str) -> list[str]:
    """Paths that the tree of the plan names below a folder, folders without their slash."""
    tree = PLAN.split("## The tree\n\n```\n")[1].split("```")[0]
    found: list[str] = []
    folder = ""
    for line in tree.split(f"{top}/", 1)[1].splitlines()[1:]:
        if not line.startswith(" "):
            break
        if not (entry := re.match(r"( {2,4})([\w.]+)(/?)(\s|$)", line)):
            continue
        indent, name, is_folder, _ = entry.groups()
        if is_folder:
            folder = name
            found.append(name)
        else:
            found.append(name if len(indent) == 2 else f"{folder}/{name}")
    return found


def test_the_tree_of_the_plan_names_every_file_of_the_package_once() -> None:
    package = ROOT / "argan_hf"
    files = [path for pattern in ("*.py", "*.md") for path in package.rglob(pattern) if "checkpoints" not in path.parts]
    folders = {path.parent for path in files} - {package} | {package / "checkpoints"}
    expected = [path.relative_to(package).as_posix() for path in [*files, *folders]]
    assert sorted(_files_of_the_tree("argan_hf")) == sorted(expected)


def test_the_tree_of_the_plan_names_every_file_of_the_engine_once() -> None:
    engine = ROOT / "web" / "engine"
    files = list(engine.rglob("*.js"))
    expected = [path.relative_to(engine).as_posix() for path in {*files, *(path.parent for path in files)} - {engine}]
    assert sorted(_files_of_the_tree("web/engine")) == sorted(expected)


def test_the_tree_of_the_plan_names_every_file_of_the_page_once() -> None:
    assert sorted(_files_of_the_tree("web/page")) == sorted(path.name for path in (ROOT / "web" / "page").iterdir())


@pytest.mark.parametrize("line", re.findall(r"^\| .*`argan_hf/.*$", PLAN, re.MULTILINE))
def test_where_to_look_is_there(line: str) -> None:
    paths = re.findall(r"`(argan_hf/[\w/.]+)`", line)
    assert paths
    for path in paths:
        assert (ROOT / path).is_file()


def test_the_layers_of_the_plan_are_those_that_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    drawn = PLAN.split("## Who may import whom")[1].split("```\n")[1]
    assert [line.split("   ")[0] for line in drawn.splitlines()] == settings["contracts"][0]["layers"]


_TRAVELING = sorted(path.name for path in (ROOT / "argan_hf").glob("*_argan.py"))


@pytest.mark.parametrize("name", _TRAVELING)
def test_files_that_travel_to_the_hub_import_what_transformers_needs_anyway_and_each_other(name: str) -> None:
    tree = ast.parse((ROOT / "argan_hf" / name).read_text(encoding="utf-8"))
    allowed = {"torch", "transformers", "huggingface_hub", "numpy", "PIL", *sys.stdlib_module_names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom) and node.level:
            assert (node.level, f"{node.module}.py") in {(1, sibling) for sibling in _TRAVELING}
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).split(".")[0] in allowed


def test_one_version_is_stated() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_imports_follow_the_layers() -> None:
    # In a process of its own, because it silences the loggers of this one.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    lint = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout
    assert "0 broken" in lint.stdout


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", *_DOCS])
def test_files_that_documents_name_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:argan_hf|benchmarks|docs|recipes|space|tests|web)/[\w/.-]+\.\w+)`", text))
    linked = set(re.findall(r"\]\(([^)#:]+)\)", text))
    folder = (ROOT / name).parent
    missing = [path for path in named if not (ROOT / path).exists()]
    missing += [path for path in linked if not (folder / path).exists()]
    assert missing == []
