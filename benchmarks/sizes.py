"""Memory of a process that restores pictures of many sizes: `python benchmarks/sizes.py`.

Every row is a process of its own, which restores parts of a photograph, each of another size. The first row bounds what
oneDNN remembers of every size, as the package does; the second leaves it as it is without the package.
"""

import argparse
import io
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

EXAMPLE = sorted((Path(__file__).parents[1] / "space" / "examples").glob("*.png"))[1]
UNBOUNDED = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024", "LRU_CACHE_CAPACITY": "1024"}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 2**20


def _restore(count: int) -> None:
    """Restore pictures of `count` sizes, and print memory after ten, after a tenth and after all, and CPU seconds."""
    from argan_hf import JpegRestorer

    chance = random.Random(0)
    restorer = JpegRestorer.from_pretrained(device="cpu")
    with Image.open(EXAMPLE) as image:
        photo = image.convert("RGB")
    start, found = time.process_time(), []
    for number in range(1, count + 1):
        buffer = io.BytesIO()
        photo.crop((10, 10, 10 + chance.randint(100, 420), 10 + chance.randint(100, 420))).save(
            buffer, "JPEG", quality=40
        )
        restorer(buffer.getvalue())
        if number in (10, count // 10, count):
            found.append(_resident())
    print(*found, round(time.process_time() - start))


def main() -> None:
    """Start both processes, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        _restore(args.pictures)
        return
    count = args.pictures
    print(f"| caches of oneDNN | after 10 | after {count // 10} | after {count} | CPU seconds |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, environment in (("bounded", {}), ("as they are by themselves", UNBOUNDED)):
        command = [sys.executable, __file__, "--child", "--pictures", str(count)]
        printed = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True)
        print(f"| {name} | {' | '.join(printed.stdout.split())} |", flush=True)


if __name__ == "__main__":
    main()
