"""A Hub for the session, and processes that talk to it: `HF_ENDPOINT` is read when the libraries are imported."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from .repositories import Hub
from .server import TOKEN, running_hub


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """A Hub on loopback; tests share it, so each takes names of its own."""
    with running_hub() as hub:
        yield hub


@pytest.fixture(scope="session")
def run_on_hub(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Runs Python source in a new process, isolated from this directory, whose Hub is ours.

    The source finds its arguments as `arguments` and leaves what it found, for JSON, in `result`.
    """

    def run(source: str, *arguments: object, token: str = TOKEN) -> Any:
        folder = tmp_path_factory.mktemp("process")
        answer = folder / "answer.json"
        frame = f"import json, sys\narguments = json.loads(sys.argv[1])\n{source}\n"
        frame += "from pathlib import Path\nPath(sys.argv[2]).write_text(json.dumps(result))\n"
        environment = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": token,
            "HF_HOME": str(folder / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            # Kernels round by the number of threads: outputs are compared bit for bit.
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
            "PATH": "/usr/bin:/bin",
        }
        process = subprocess.run(
            [sys.executable, "-I", "-c", frame, json.dumps(arguments, default=str), str(answer)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if process.returncode != 0:
            pytest.fail(process.stderr[-4000:])
        return json.loads(answer.read_text())

    return run
