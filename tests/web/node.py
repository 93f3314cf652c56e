"""Runs scripts of `web/tests` in Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


def run_node(script: str, *arguments: object, timeout: float = 120) -> str:
    """What a script of `web/tests` prints; the test fails with what it complains about."""
    command = ["node", WEB / "tests" / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_runtime = pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules" / "onnxruntime-web").is_dir(),
    reason="needs Node.js and onnxruntime-web: npm ci --prefix web --ignore-scripts",
)
