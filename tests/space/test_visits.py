"""The newest wish is done first, and no result appears beside another picture."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import folders
from pictures import Choices, Picture, Result, Settings
from restoring import NETWORK_SHARE, OUTPUT
from tasks import Report, Task
from tests.space.conftest import run_async
from views import view
from visits import MAX_OUTPUTS, Visit


class Restorations:
    """Work that a test lets go on, step by step; stands for the network and the writing of files."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.gates: dict[str, threading.Event] = {}

    def hold(self, name: str) -> threading.Event:
        return self.gates.setdefault(name, threading.Event())

    async def __call__(self, visit: Visit, task: Task, report: Report) -> Any:
        return await asyncio.to_thread(self._work, task, report)

    def _work(self, task: Task, report: Report) -> Any:
        name = task.picture.name
        _, settings = task.key
        self.log.append(f"start {name} {settings.strength:g}")
        report(0.1, "Restoring")
        gate = self.gates.get(name)
        while gate is not None and not gate.wait(0.005):
            report(0.2, "Restoring")
        report(NETWORK_SHARE, "Restoring")  # the last tile
        report(0.8, "Writing PNG")
        folder = task.picture.folder / f"result-{len(self.log)}"
        folder.mkdir()
        path = folder / f"{name}-restored.png"
        path.write_text(f"{name} {settings.strength:g}")
        self.log.append(f"done {name} {settings.strength:g}")
        return Result(path, task.picture.path, path, "Original", (8, 8), [f"{name} restored."])


@pytest.fixture
def work() -> Restorations:
    return Restorations()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FOLDER", tmp_path)


@asynccontextmanager
async def _place() -> Any:
    yield


def _picture(name: str) -> Picture:
    path = folders.new_folder() / "given" / f"{name}.png"
    path.parent.mkdir()
    Image.new("L", (8, 8)).save(path)
    return Picture(name=name, path=path, width=8, height=8, is_known=True)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not happen")


def _run(scenario: Callable[[Visit], Any], work: Restorations) -> None:
    async def run() -> None:
        await asyncio.wait_for(scenario(Visit("somebody", _place, work)), 10)

    run_async(run())


def _is_idle(visit: Visit) -> bool:
    return visit.task is None and not visit.is_working


def test_a_second_picture_interrupts_the_first_and_both_are_restored(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        gate = work.hold("first")
        first, second = _picture("first"), _picture("second")
        visit.add(first, select=True)
        await _until(lambda: visit.task is not None and visit.task.share == 0.2)
        visit.add(second, select=True)
        await _until(lambda: second.result is not None)
        shown = view(visit)
        assert shown["selected"] == second.token
        assert shown["shown"]["name"] == "second"
        assert "second-restored" in shown["shown"]["download"]["path"]
        assert first.result is None
        gate.set()
        await _until(lambda: _is_idle(visit))
        assert first.result is not None
        assert view(visit)["shown"]["name"] == "second"

    _run(scenario, work)
    assert work.log == ["start first 1", "start second 1", "done second 1", "start first 1", "done first 1"]


def test_the_newest_settings_win(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        gate = work.hold("a")
        picture = _picture("a")
        visit.add(picture, select=True)
        for strength in (0.9, 0.5, 0.3):
            await asyncio.sleep(0.02)
            visit.configure(Settings(strength=strength))
        gate.set()
        await _until(lambda: _is_idle(visit))
        assert picture.result is not None
        assert picture.result.path.read_text() == "a 0.3"
        for strength in (0.2, 0.1):
            former = picture.result.path.parent
            visit.configure(Settings(strength=strength))
            await _until(lambda: _is_idle(visit))
        # Only the newest result is left on the disk, and the one before, which a browser may be loading.
        assert set(picture.folder.glob("result-*")) == {picture.result.path.parent, former}

    _run(scenario, work)


def test_a_changed_strength_does_not_end_the_network_but_its_result(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        gate = work.hold("a")
        picture = _picture("a")
        visit.add(picture, select=True)
        await _until(lambda: visit.task is not None and visit.task.share == 0.2)
        visit.configure(Settings(strength=0.4))
        await asyncio.sleep(0.05)
        assert work.log == ["start a 1"]
        visit.configure(Settings(strength=0.4, realism=0.7))
        await _until(lambda: len(work.log) == 2)
        gate.set()
        await _until(lambda: _is_idle(visit))

    _run(scenario, work)
    assert work.log == ["start a 1", "start a 0.4", "done a 0.4"]


def test_removing_a_picture_removes_its_result_and_ends_its_work(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        done, pending = _picture("done"), _picture("pending")
        work.hold("pending")
        visit.add(done, select=True)
        await _until(lambda: done.result is not None)
        visit.add(pending, select=True)
        await _until(lambda: visit.task is not None and visit.task.picture is pending)
        visit.remove(pending.token)
        await _until(lambda: _is_idle(visit))
        assert not pending.folder.exists()
        assert view(visit)["shown"]["name"] == "done"
        visit.remove(done.token)
        assert not done.folder.exists()
        shown = view(visit)
        assert shown["shown"] is None
        assert shown["pictures"] == []

    _run(scenario, work)
    assert "done pending 1" not in work.log


def test_a_result_whose_picture_is_gone_is_thrown_away(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        picture = _picture("a")
        began, go_on = threading.Event(), threading.Event()

        async def late(visit: Visit, task: Task, report: Report) -> Any:
            def write() -> Result:
                began.set()
                go_on.wait(5)
                task.picture.folder.mkdir(exist_ok=True)  # as a slow writer does
                (task.picture.folder / "late.png").write_text("late")
                return Result(task.picture.path, task.picture.path, task.picture.path, "", (8, 8), [])

            return await asyncio.to_thread(write)

        visit.work = late
        visit.add(picture, select=True)
        await _until(began.is_set)
        visit.remove(picture.token)
        go_on.set()
        await _until(lambda: _is_idle(visit))
        assert picture.result is None
        assert not picture.folder.exists()

    _run(scenario, work)


def test_a_refused_file_shows_its_sentence_and_nothing_of_the_one_before(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        good, bad = _picture("good"), _picture("bad")
        bad.refusal = "bad is a PDF document."
        visit.add(good, select=True)
        await _until(lambda: good.result is not None)
        visit.add(bad, select=True)
        shown = view(visit)["shown"]
        assert shown["refusal"] == "bad is a PDF document."
        assert shown["after"] is None
        assert shown["download"] is None
        await _until(lambda: _is_idle(visit))
        assert [entry["state"] for entry in view(visit)["pictures"]] == ["done", "refused"]

    _run(scenario, work)


def test_one_failure_does_not_stop_the_rest_and_can_be_tried_again(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        pictures = [_picture(name) for name in ("a", "b", "c")]
        fails = True

        async def sometimes(visit: Visit, task: Task, report: Report) -> Any:
            if task.picture.name == "b" and fails:
                raise RuntimeError(f"{object()} broke")
            return await work(visit, task, report)

        visit.work = sometimes
        for picture in pictures:
            visit.add(picture, select=False)
        await _until(lambda: _is_idle(visit))
        assert [entry["state"] for entry in view(visit)["pictures"]] == ["done", "failed", "done"]
        visit.select(pictures[1].token)
        words = view(visit)["shown"]["refusal"]
        assert words == "b: Something went wrong on the server; its log says what."
        assert view(visit)["resumable"]
        fails = False
        visit.resume()
        await _until(lambda: _is_idle(visit))
        assert pictures[1].result is not None

    _run(scenario, work)


def test_stop_ends_the_work_and_start_again_finishes_it(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        gate = work.hold("b")
        a, b = _picture("a"), _picture("b")
        visit.add(a, select=True)
        visit.add(b, select=False)
        await _until(lambda: visit.task is not None and visit.task.picture is b)
        visit.stop()
        await _until(lambda: visit.task is None)
        shown = view(visit)
        assert shown["resumable"]
        assert not shown["working"]
        assert [entry["state"] for entry in shown["pictures"]] == ["done", "stopped"]
        gate.set()
        # A new setting is for what was not stopped.
        visit.configure(Settings(strength=0.5))
        await _until(lambda: _is_idle(visit))
        assert a.result is not None
        assert a.result.path.read_text() == "a 0.5"
        assert b.result is None
        visit.resume()
        await _until(lambda: _is_idle(visit))
        assert b.result is not None
        assert not view(visit)["resumable"]

    _run(scenario, work)


def test_the_picture_that_is_looked_at_comes_first(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        gate = work.hold("a")
        pictures = [_picture(name) for name in "abcd"]
        for picture in pictures:
            visit.add(picture, select=False)
        await _until(lambda: visit.task is not None)
        visit.select(pictures[2].token)
        await _until(lambda: pictures[2].result is not None)
        gate.set()
        await _until(lambda: _is_idle(visit))

    _run(scenario, work)
    assert next(line for line in work.log if line.startswith("done")) == "done c 1"
    assert sorted(line for line in work.log if line.startswith("done")) == [f"done {name} 1" for name in "abcd"]


def test_choices_belong_to_one_picture(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        a, b = _picture("a"), _picture("b")
        visit.add(a, select=True)
        visit.add(b, select=False)
        await _until(lambda: _is_idle(visit))
        visit.choose(a, Choices(compress_at=20))
        await _until(lambda: _is_idle(visit))
        assert b.choices == Choices()

    _run(scenario, work)
    assert work.log.count("done a 1") == 2
    assert work.log.count("done b 1") == 1


def test_what_cannot_be_written_leaves_the_last_picture_in_sight(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        picture = _picture("a")
        visit.add(picture, select=True)
        await _until(lambda: _is_idle(visit))

        async def never(visit: Visit, task: Task, report: Report) -> Any:
            raise ValueError("JPEG holds no transparency")

        visit.work = never
        visit.configure(Settings(output_format="jpg"))
        await _until(lambda: _is_idle(visit))
        shown = view(visit)
        assert shown["state"] == "failed"
        assert shown["shown"]["refusal"] is None
        assert shown["shown"]["after"] is not None
        assert shown["shown"]["download"] is None
        assert shown["shown"]["sentences"] == ["a: JPEG holds no transparency."]
        assert not shown["resumable"]  # trying again does not help
        assert shown["finished"] == 0
        visit.work = work
        visit.configure(Settings())
        assert view(visit)["state"] == "done"

    _run(scenario, work)


def test_the_output_of_the_network_is_kept_for_few_pictures(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        async def restoring(visit: Visit, task: Task, report: Report) -> Any:
            task.picture.network_key = task.network_key
            (task.picture.folder / OUTPUT).write_bytes(b"planes")
            return await work(visit, task, report)

        visit.work = restoring
        pictures = [_picture(name) for name in "abcdef"]
        for picture in pictures:
            visit.add(picture, select=False)
        await _until(lambda: _is_idle(visit))
        kept = [picture.name for picture in pictures if (picture.folder / OUTPUT).exists()]
        assert kept == [picture.name for picture in pictures if picture.network_key is not None]
        assert len(kept) == MAX_OUTPUTS
        assert {"a", "f"} <= set(kept)  # what is looked at, and the newest

    _run(scenario, work)


def test_closing_deletes_everything(work: Restorations) -> None:
    async def scenario(visit: Visit) -> None:
        a, b = _picture("a"), _picture("b")
        work.hold("b")
        visit.add(a, select=True)
        visit.add(b, select=False)
        await _until(lambda: a.result is not None and visit.task is not None and visit.task.picture is b)
        visit.close()
        assert not a.folder.exists()
        assert not b.folder.exists()
        work.hold("b").set()

    _run(scenario, work)
