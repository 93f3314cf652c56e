"""A night in small: `benchmarks/night.py` with fewer files, in another locale, and as a user who is not root."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from argan_hf import JpegRestorer
from benchmarks.night import path_in, plant, spend

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs the files of Linux")]

PLAIN_C = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
CP1252 = {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "cp1252"}
PACKAGES = {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter and write, which those of pytest are not."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o777)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def _interpreter_of(user: str) -> str:
    """An interpreter of this version that a user may start, and that may read this repository."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        try:
            command = [python, "-c", "import argan_hf"]
            tried = subprocess.run(command, user=user, env=os.environ | PACKAGES, check=False, capture_output=True)
        except (OSError, KeyError, ValueError):
            continue
        if tried.returncode == 0:
            return python
    pytest.skip(f"no interpreter that {user} may start, or no such user")


def test_a_night_in_another_locale(checkpoint: Path, open_folder: Path) -> None:
    tree = plant(open_folder / "in", files=100, folders=12)
    spend(open_folder, tree, ["--model", str(checkpoint), "--device", "cpu"], environment=PLAIN_C)
    restorer = JpegRestorer.from_pretrained(checkpoint, device="cpu")
    report = json.loads((open_folder / "report.json").read_text())
    for record in [record for record in report if record["status"] == "restored"][::9]:
        source, target = path_in(record["input"]), path_in(record["output"])
        with Image.open(target) as image:
            assert np.array_equal(np.array(image), np.array(restorer(source).image))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_night_of_a_user_with_fewer_rights(checkpoint: Path, open_folder: Path) -> None:
    python = _interpreter_of("nobody")
    shutil.copytree(checkpoint, open_folder / "network")
    for path in (open_folder / "network").iterdir():
        path.chmod(0o644)
    tree = plant(open_folder / "in", files=100, folders=12)
    assert tree.closed
    options = ["--model", str(open_folder / "network"), "--device", "cpu"]
    spend(open_folder, tree, options, python=python, user="nobody", environment=PACKAGES | CP1252)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_what_root_may_do_is_tested_as_somebody_else(open_folder: Path) -> None:
    """The tests that root would pass for nothing."""
    python = _interpreter_of("nobody")
    command = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--basetemp", str(open_folder / "t")]
    names = ["tests/cli/test_faults.py::test_folders_that_are_closed_get_a_sentence_each"]
    names += ["tests/cli/test_sources.py::test_a_folder_that_cannot_be_read_is_named"]
    environment = os.environ | PACKAGES | {"HOME": str(open_folder), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [*command, *names], cwd=ROOT, user="nobody", env=environment, check=False, capture_output=True, text=True
    )
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr
