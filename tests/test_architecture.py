"""The plan of the code in `docs/architecture.md` and `pyproject.toml`, held against the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_DOCS = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
PLAN = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def _files_of_the_tree() -> list[str]:
    """Paths that the tree of the plan names below `argan_hf/`, folders without their slash."""
    tree = PLAN.split("## The tree\n\n```\n")[1].split("```")[0]
    found: list[str] = []
    folder = ""
    for line in tree.splitlines()[1:]:
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
    assert sorted(_files_of_the_tree()) == sorted(expected)


@pytest.mark.parametrize("line", re.findall(r"^\| .*`argan_hf/.*$", PLAN, re.MULTILINE))
def test_where_to_look_is_there(line: str) -> None:
    paths = re.findall(r"`(argan_hf/[\w/.]+)`", line)
    assert paths
    for path in paths:
        assert (ROOT / path).is_file()


def test_the_layers_of_the_plan_are_those_that_are_checked() -> None:
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    drawn = PLAN.split("## Who may import whom")[1].split("```\n")[1]
    assert [line.split("   ")[0] for line in drawn.splitlines()] == settings["contracts"][0]["layers"]


def test_imports_follow_the_layers() -> None:
    pytest.importorskip("importlinter")
    # In a process of its own, because it silences the loggers of this one.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    lint = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout
    assert "0 broken" in lint.stdout


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", *_DOCS])
def test_files_that_documents_name_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:argan_hf|benchmarks|docs|recipes|space|tests)/[\w/.-]+\.\w+)`", text))
    linked = set(re.findall(r"\]\(([^)#:]+)\)", text))
    folder = (ROOT / name).parent
    missing = [path for path in named if not (ROOT / path).exists()]
    missing += [path for path in linked if not (folder / path).exists()]
    assert missing == []
