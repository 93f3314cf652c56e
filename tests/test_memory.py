"""A lack of memory ends in a sentence, whoever reports it, and a process that sees many sizes does not grow."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from argan_hf.memory import is_out_of_memory
from tests.cli.test_restore import COMMAND
from tests.conftest import EXAMPLES, jpeg_bytes

# Restores noise of many sizes, and prints the resident memory in MiB after ten of them and after all.
_MANY_SIZES = """
import random, torch
from argan_hf import JpegRestorer
random.seed(0)
restorer = JpegRestorer.from_pretrained(device="cpu")
for number in range(1, 101):
    restorer.restore_planes(torch.rand(3, random.randint(100, 420), random.randint(100, 420)) * 255)
    if number in (10, 100):
        with open("/proc/self/statm") as file:
            print(int(file.read().split()[1]) * 4096 // 2**20)
"""


def test_every_report_of_a_lack_of_memory_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    wrapped = ValueError("the file is wrong")
    wrapped.__cause__ = caught.value
    no_memory = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    for error in (caught.value, wrapped, no_memory, MemoryError(), RuntimeError("could not create a primitive")):
        assert is_out_of_memory(error)
    for other in (OSError(errno.ENOSPC, "full"), RuntimeError("shapes differ"), ValueError("not enough memory")):
        assert not is_out_of_memory(other)


def _grown(**environment: str) -> int:
    """How many MiB a process grew from its tenth size to its last."""
    command = [sys.executable, "-c", _MANY_SIZES]
    printed = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True).stdout
    tenth, last = map(int, printed.split())
    return last - tenth


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the accounts of Linux")
def test_a_process_that_sees_many_sizes_does_not_grow() -> None:
    unbounded = _grown(ONEDNN_PRIMITIVE_CACHE_CAPACITY="1024", LRU_CACHE_CAPACITY="1024")
    if unbounded < 60:
        pytest.skip("convolutions are not computed by oneDNN here")
    assert _grown() < 0.3 * unbounded


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs limits as Linux has them")
def test_a_limit_on_addresses_ends_in_a_sentence(tmp_path: Path) -> None:
    with Image.open(EXAMPLES[1]) as image:
        photo = image.convert("RGB")
    (tmp_path / "small.jpg").write_bytes(jpeg_bytes(photo, quality=40))
    (tmp_path / "large.jpg").write_bytes(jpeg_bytes(photo.resize((9000, 8000)), quality=40))
    environment = os.environ | {"OMP_NUM_THREADS": "2"}

    def restore(name: str, gibibytes: float) -> "subprocess.CompletedProcess[str]":
        limited = f'ulimit -v {int(gibibytes * 2**20)}; exec "$@"'
        command = [*COMMAND, "restore", str(tmp_path / name), "--device", "cpu", "--overwrite"]
        return subprocess.run(
            ["bash", "-c", limited, "bash", *command], env=environment, check=False, capture_output=True, text=True
        )

    refused = restore("small.jpg", 1.0)
    assert refused.returncode == 2
    assert refused.stderr.startswith("argan: this process may use 1.00 GiB of addresses, expected at least 1.5")
    assert refused.stderr.count("\n") == 1
    assert restore("small.jpg", 1.6).returncode == 0
    large = restore("large.jpg", 1.6)
    words = f"argan: {tmp_path / 'large.jpg'} needs more memory than is free; a smaller --tile needs less\n"
    assert (large.returncode, large.stderr) == (2, words)
