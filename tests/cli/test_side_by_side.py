"""Jobs side by side: in order, no more than fit, ended together; and files as one after the other would give them."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from argan_hf import JpegRestorer
from argan_hf.cli import main, side_by_side
from argan_hf.cli.interruptions import uninterrupted
from argan_hf.cli.jobs import Job
from argan_hf.cli.one_job import Outcome, megapixels
from argan_hf.cli.side_by_side import SideBySide, Stopped, worker_count
from argan_hf.saving import write_whole


def _jobs(count: int) -> list[Job]:
    return [Job(Path(f"{number}.jpg"), Path(f"{number}.png")) for number in range(count)]


def _outcome(job: Job, **changes: object) -> Outcome:
    return Outcome(job, {"status": "restored"}, **changes)


def test_outcomes_come_in_the_order_of_the_jobs() -> None:
    running = most = 0
    lock = threading.Lock()

    def work(job: Job, size: float) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02 if int(job.source.stem) % 3 == 0 else 0.001)
        with lock:
            running -= 1
        return _outcome(job)

    jobs = _jobs(20)
    outcomes = list(SideBySide(work, 3).outcomes(jobs, [1.0] * 20))
    assert [outcome.job for outcome in outcomes] == jobs
    assert 1 < most <= 3


def test_large_pictures_are_alone_and_have_all_threads() -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(4)
    try:

        def work(job: Job, size: float) -> Outcome:
            seen.append((size, torch.get_num_threads(), threading.current_thread() is threading.main_thread()))
            return _outcome(job)

        sizes = [1.0, 30.0, 1.0]
        assert len(list(SideBySide(work, 2).outcomes(_jobs(3), sizes))) == 3
        assert seen == [(1.0, 2, False), (30.0, 4, True), (1.0, 2, False)]
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_together_they_are_no_larger_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_MOST_MEGAPIXELS", 10.0)
    at_work: list[float] = []
    most = 0.0

    def work(job: Job, size: float) -> Outcome:
        nonlocal most
        at_work.append(size)
        most = max(most, sum(at_work))
        time.sleep(0.005)
        at_work.remove(size)
        return _outcome(job)

    list(SideBySide(work, 4).outcomes(_jobs(12), [4.0] * 12))
    assert most == 8.0


def test_what_lacked_memory_is_tried_again_alone() -> None:
    tries: list[str] = []

    def work(job: Job, size: float) -> Outcome:
        tries.append(job.source.stem)
        return _outcome(job, lacked_memory=tries.count("1") == 1 and job.source.stem == "1")

    outcomes = list(SideBySide(work, 2).outcomes(_jobs(4), [1.0] * 4))
    assert not any(outcome.lacked_memory for outcome in outcomes)
    assert tries.count("1") == 2
    assert len(tries) == 5


def test_all_end_when_they_are_stopped() -> None:
    started, slow = threading.Event(), threading.Event()

    def work(job: Job, size: float) -> Outcome:
        if job.source.stem == "1":
            slow.set()
            while True:
                time.sleep(0.001)
                pool.check()
        if job.source.stem == "2":
            started.set()
        return _outcome(job)

    pool = SideBySide(work, 2)
    outcomes = pool.outcomes(_jobs(50), [1.0] * 50)
    assert next(outcomes).job.source.stem == "0"
    assert slow.wait(5)
    assert started.wait(5)
    names = [outcome.job.source.stem for outcome in pool.stop()]
    assert "1" not in names
    assert "2" in names
    assert len(names) < 10
    with pytest.raises(Stopped):
        pool.check()


def test_an_outcome_is_not_lost_with_whoever_took_it() -> None:
    pool = SideBySide(lambda job, size: _outcome(job), 2)
    outcomes = pool.outcomes(_jobs(9), [1.0] * 9)
    next(outcomes)
    taken = next(outcomes)
    # Interrupted here, before it is recorded.
    assert pool.stop()[0] is taken


def test_sizes_are_asked_for_when_they_are_needed() -> None:
    asked: list[int] = []

    def sizes() -> Iterator[float]:
        for number in range(100):
            asked.append(number)
            yield 1.0

    pool = SideBySide(lambda job, size: _outcome(job), 2)
    next(pool.outcomes(_jobs(100), sizes()))
    assert len(asked) < 10
    pool.stop()


def test_pictures_that_pillow_finds_too_large_are_large(tmp_path: Path) -> None:
    Image.new("1", (20000, 9500)).save(tmp_path / "large.png")
    assert megapixels(Job(tmp_path / "large.png", tmp_path / "a.png")) > 100
    assert megapixels(Job(tmp_path / "none.png", tmp_path / "a.png")) == 0


def test_an_orderly_end_is_not_interrupted() -> None:
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before


def test_one_picture_and_a_dry_run_take_no_threads() -> None:
    restorer = JpegRestorer.from_pretrained(device="cpu")
    assert worker_count(None, 10) == worker_count(restorer, 1) == 1
    assert worker_count(restorer, 2) == min(torch.get_num_threads(), 2)


@pytest.mark.parametrize("size", [(64, 48), (150, 90)])
def test_a_folder_becomes_what_its_pictures_become_one_by_one(
    size: tuple[int, int],
    tmp_path: Path,
    photo: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        photo.crop((number, 0, number + size[0], size[1])).save(folder / f"{number}.jpg", quality=20 + number)
    (folder / "3b.jpg").write_bytes(b"no picture")
    results = []
    for workers in (1, 3):
        monkeypatch.setattr("argan_hf.cli.job_runner.worker_count", lambda restorer, jobs, count=workers: count)
        out = tmp_path / str(workers)
        assert main(["restore", str(folder), "-o", str(out)]) == 1
        captured = capsys.readouterr()
        lines = [line.split(" -> ")[0] for line in captured.out.splitlines() if " -> " in line]
        assert lines == [str(folder / f"{number}.jpg") for number in range(6)]
        assert "3b.jpg" in captured.err
        results.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert results[0] == results[1]
    assert len(results[0]) == 6


def test_a_result_that_cannot_be_looked_at_costs_no_other_picture(
    tmp_path: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("argan_hf.cli.job_runner.worker_count", lambda restorer, jobs: 2)
    for name in "abc":
        photo.crop((0, 0, 40, 40)).save(tmp_path / f"{name}.jpg")
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    assert (
        main(
            ["restore", *(str(tmp_path / f"{name}.jpg") for name in "abc"), "-o", f"{tmp_path}/out/", "--skip-existing"]
        )
        == 1
    )
    assert "b.png cannot be written: a folder has this name" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == {"a.png", "c.png"}


def test_rights_of_new_files_do_not_depend_on_other_threads(tmp_path: Path) -> None:
    """The mask of a process can only be read by setting it, so two threads could leave it at 0."""
    threads = [
        threading.Thread(target=lambda n=n: [write_whole(b"x", tmp_path / f"{n}-{i}") for i in range(60)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (tmp_path / "plain").touch()
    rights = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert rights == {(tmp_path / "plain").stat().st_mode}
    assert (tmp_path / "plain").stat().st_mode & 0o777 != 0o666
