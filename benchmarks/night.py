"""A night in small: a tree of pictures and oddities, restored by a command that is killed three times and goes on.

    python benchmarks/night.py                     # 5000 files in 300 folders, the default network
    sudo python benchmarks/night.py --user nobody --python /usr/bin/python3   # as a user with fewer rights

It prints what every start did, its memory after a hundred pictures and at its peak, and fails unless every good picture
was restored once, every bad one got a sentence, and the summary adds up.
"""

import argparse
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

EXAMPLES = sorted((Path(__file__).parents[1] / "space" / "examples").glob("*.png"))
_COMMAND = ("-c", "from argan_hf.cli import main; raise SystemExit(main())")


@dataclass
class Tree:
    """What lies in a tree: pictures, bad files that get a sentence, closed folders, and how much is left out."""

    good: dict[Path, tuple[int, int]] = field(default_factory=dict)
    bad: set[Path] = field(default_factory=set)
    closed: set[Path] = field(default_factory=set)
    ignored: Counter[str] = field(default_factory=Counter)


def plant(root: Path, *, files: int, folders: int, seed: int = 0) -> Tree:
    """Make a tree of small pictures of many sizes, every oddity sprinkled in."""
    chance, tree = random.Random(seed), Tree()
    photos = []
    for path in EXAMPLES:
        with Image.open(path) as image:
            photos.append(image.convert("RGB"))
    places = [root / f"year {number % 10}" / f"föld€r {number}" for number in range(folders)]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    number = 0
    while len(tree.good) + len(tree.bad) < files:
        place, number = places[number % folders], number + 1
        photo, width, height = chance.choice(photos), chance.randint(16, 96), chance.randint(16, 96)
        left, top = chance.randrange(photo.width - width), chance.randrange(photo.height - height)
        picture = photo.crop((left, top, left + width, top + height))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=chance.randint(10, 95))
        data = buffer.getvalue()
        oddity = chance.randrange(25) if number > 20 else number  # every oddity at least once
        _sow(tree, place, number, data, picture, oddity)
    return tree


def _sow(tree: Tree, place: Path, number: int, data: bytes, picture: Image.Image, oddity: int) -> None:
    def good(name: str, content: bytes | None = None) -> None:
        (place / name).write_bytes(data if content is None else content)
        tree.good[place / name] = picture.size

    def bad(name: str, content: bytes = b"") -> None:
        (place / name).write_bytes(content)
        tree.bad.add(place / name)

    png = io.BytesIO()
    picture.save(png, "PNG")
    if oddity == 1:
        good(f"IMG_{number}.jpg")
        good(f"IMG_{number}.png", png.getvalue())
    elif oddity == 2:
        good(f"Case{number}.jpg")
        good(f"case{number}.JPG")
    elif oddity == 3:
        good(f"{number}-" + "n" * (250 - len(str(number))) + ".jpg")
    elif oddity == 4:
        good(f"{number} \x1b[31m\n\u202e.jpg")
    elif oddity == 5:
        good(os.fsdecode(b"\xff%d\xe9.jpg" % number))
    elif oddity == 6:
        bad(f"text {number}.jpg", b"no picture")
    elif oddity == 7:
        bad(f"empty {number}.jpg")
    elif oddity == 8:
        bad(f"cut {number}.jpg", data[: len(data) // 2])
    elif oddity == 9:
        os.mkfifo(place / f"pipe {number}.jpg")
        tree.bad.add(place / f"pipe {number}.jpg")
    elif oddity == 10:
        (place / f"gone {number}.jpg").symlink_to("nowhere")
        tree.bad.add(place / f"gone {number}.jpg")
    elif oddity == 11:
        (place / f"link {number}").symlink_to(place)
        tree.ignored["link to a folder"] += 1
    elif oddity == 12:
        (place / f".hidden {number}.jpg").write_bytes(data)
        tree.ignored["hidden"] += 1
    elif oddity == 13:
        (place / f"notes {number}.txt").write_text("notes")
        tree.ignored["another suffix"] += 1
    elif oddity == 14 and len(tree.closed) < 5:
        closed = place / f"closed {number}"
        closed.mkdir()
        (closed / "a.jpg").write_bytes(data)
        closed.chmod(0)
        tree.closed.add(closed)
    else:
        good(f"{number} 日本.jpg")


@dataclass
class Start:
    """One start of the command: exit code, lines, complaints, peak memory in MiB after 100 lines and in all."""

    code: int
    lines: list[str]
    complaints: list[str]
    early: float
    peak: float


def start(
    arguments: list[str], *, kill_after: int | None, python: str, user: str | None, environment: dict[str, str]
) -> Start:
    """Run the command, and kill it after some pictures, unless it ends before."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [python, *_COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            user=user,
            env=os.environ | environment,
        )
        lines, early, peak = [], 0.0, 0.0
        assert process.stdout is not None
        for line in tqdm(process.stdout, unit="line", leave=False, disable=None):
            lines.append(line.decode(errors="backslashreplace").rstrip("\n"))
            if len(lines) % 25 == 0:
                peak = _peak(process.pid)
                early = early if early or len(lines) < 100 else peak
            if kill_after is not None and len(lines) == kill_after:
                process.send_signal(signal.SIGKILL)
        code = process.wait()
        errors.seek(0)
        return Start(code, lines, errors.read().decode(errors="backslashreplace").splitlines(), early, peak)


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # It has just ended.
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def spend(
    root: Path,
    tree: Tree,
    options: list[str],
    *,
    python: str = sys.executable,
    user: str | None = None,
    environment: dict[str, str] | None = None,
) -> list[Start]:
    """Restore a tree with four starts, of which three are killed, and check everything.

    Raises:
        AssertionError: if anything is not as it should be.
    """
    source, out, report = root / "in", root / "out", root / "report.json"
    arguments = ["restore", str(source), "-r", "-o", str(out), "--skip-existing", "--json", str(report), *options]
    closed = tree.closed if user or os.geteuid() else set()
    if not closed:  # Root reads closed folders as well.
        for folder in tree.closed:
            tree.good[folder / "a.jpg"] = Image.open(folder / "a.jpg").size
    restored: Counter[str] = Counter()
    starts = []
    for share in (0.25, 0.3, 0.4, None):
        left = len(tree.good) - sum(restored.values())
        kill_after = None if share is None else int(left * share)
        run = start(arguments, kill_after=kill_after, python=python, user=user, environment=environment or {})
        starts.append(run)
        assert run.code == (-signal.SIGKILL if share else 1), (run.code, run.complaints[-3:])
        assert not any("Traceback" in line for line in run.complaints), run.complaints
        restored.update(line.split(" -> ")[0] for line in run.lines if " -> " in line)
    # 1. No picture was restored twice, and every good one has a whole result of its size.
    assert set(restored.values()) == {1}, restored.most_common(3)
    records = json.loads(report.read_text())
    states = {path_in(record["input"]): record for record in records}
    results = {path: path_in(states[path]["output"]) for path in tree.good}
    assert len(set(results.values())) == len(tree.good)
    for path, size in tree.good.items():
        with Image.open(results[path]) as image:
            assert image.size == size, path
            np.asarray(image)
    # 2. Every bad one has a sentence, closed folders too; everything else is counted.
    failed = {path for path, record in states.items() if record["status"] == "failed"}
    assert failed == tree.bad | closed, failed ^ (tree.bad | closed)
    assert len(starts[-1].complaints) == len(failed), starts[-1].complaints[:3]
    counts = Counter(record["status"] for record in records)
    assert counts["restored"] + counts["skipped"] == len(tree.good)
    assert Counter(record["reason"] for record in records if record["status"] == "ignored") == tree.ignored
    summary = starts[-1].lines[-1]
    assert summary.startswith(f"{len(tree.good) + len(tree.bad)} pictures: "), summary
    assert sum(map(int, re.findall(r"(\d+) (?:restored|skipped|failed)", summary))) == len(tree.good) + len(tree.bad)
    # 3. Nothing else is left, except what a kill can leave.
    left_over = [path for path in out.rglob("*") if path.is_file() and path not in set(results.values())]
    assert all(path.name.startswith(".argan-") for path in left_over), left_over
    assert len(left_over) <= 3
    return starts


def path_in(name: str) -> Path:
    """A path that a process with another encoding of file names has written."""
    return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))


def main() -> None:
    """Plant, spend the night, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--folders", type=int, default=300)
    parser.add_argument("--user", help="run the command as this user")
    parser.add_argument("--python", default=sys.executable, help="interpreter that this user may start")
    parser.add_argument("options", nargs="*", help="more arguments of `argan restore`, after --")
    args = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="night-"))
    root.chmod(0o777)
    try:
        tree = plant(root / "in", files=args.files, folders=args.folders)
        # An interpreter outside of this environment gets its packages.
        packages = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), sysconfig.get_path("purelib")]))
        environment = {"PYTHONPATH": packages}
        starts = spend(root, tree, args.options, python=args.python, user=args.user, environment=environment)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{len(tree.good)} good files, {len(tree.bad)} bad ones, {sum(tree.ignored.values())} left out")
    print("| start | restored | memory after 100 lines, MiB | peak, MiB |\n| --- | --- | --- | --- |")
    for number, run in enumerate(starts, start=1):
        count = sum(" -> " in line for line in run.lines)
        print(f"| {number}{'' if run.code == 1 else ', killed'} | {count} | {run.early:.0f} | {run.peak:.0f} |")
    print(starts[-1].lines[-1])


if __name__ == "__main__":
    main()
