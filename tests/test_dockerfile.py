"""The image of the page: built and asked where Docker runs; elsewhere, what its build would get."""

import fnmatch
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator

import httpx
import pytest

from argan_hf.defaults import DEFAULT_CHECKPOINT
from tests.test_architecture import ROOT


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def _is_sent(path: str) -> bool:
    """Whether `.dockerignore` lets a file through: the last pattern that fits it, or a folder of it, decides."""
    sent, parts = True, path.split("/")
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        pattern = line.removeprefix("!")
        depth = pattern.count("/") + 1
        fits = any(fnmatch.fnmatchcase(name, pattern) and name.count("/") + 1 == depth for name in names)
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
        sent = line.startswith("!") if fits else sent
    return sent


def test_the_build_gets_the_page_the_package_and_one_network() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("needs the git repository")
    sent = [path for path in listing.stdout.splitlines() if _is_sent(path)]
    assert {path.split("/")[0] for path in sent} == {"argan_hf", "space", "constraints.txt"}
    assert {path.split("/")[2] for path in sent if path.startswith("argan_hf/checkpoints/")} == {DEFAULT_CHECKPOINT}
    assert not _is_sent("argan_hf/jpeg/__pycache__/dct.pyc")


@pytest.fixture
def image() -> Iterator[str]:
    if shutil.which("docker") is None or _docker("info").returncode != 0:
        pytest.skip("needs Docker, and its daemon")
    name = f"argan-test-{uuid.uuid4().hex}"
    built = _docker("build", "-t", name, ".")
    assert built.returncode == 0, built.stderr[-4000:]
    yield name
    _docker("rmi", "-f", name)


@pytest.mark.slow
def test_the_image_answers_without_rights_and_writes_nowhere_else(image: str) -> None:
    started = _docker("run", "-d", "--rm", "--read-only", "--tmpfs", "/tmp", "-p", "127.0.0.1::7860", image)
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        port = _docker("port", container, "7860").stdout.rsplit(":", 1)[1].strip()
        deadline = time.monotonic() + 120
        while _docker("inspect", "-f", "{{.State.Health.Status}}", container).stdout.strip() != "healthy":
            assert time.monotonic() < deadline, _docker("logs", container).stderr[-4000:]
            time.sleep(1)
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=30).status_code == 200
        assert _docker("exec", container, "id", "-u").stdout.strip() == "1000"
    finally:
        _docker("stop", container)
