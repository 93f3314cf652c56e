from types import SimpleNamespace
from typing import Any

import pytest
import torch

from argan_hf.training import progress as module
from argan_hf.training.progress import RunProgress, crosses


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def _progress(steps: int, minutes: float = 0.0, *, processes: int = 1) -> RunProgress:
    accelerator: Any = SimpleNamespace(num_processes=processes, device="cpu")
    return RunProgress(accelerator, steps, minutes)


def test_without_a_clock_the_position_is_the_number_of_steps(clock: Clock) -> None:
    progress = _progress(3)
    reached = []
    while not progress.done:
        clock.now += 1e6
        reached.append(list(progress.advance()))
    assert reached == [[1], [2], [3]]
    assert not progress.timed
    assert progress.step == progress.position == 3


def test_the_position_is_the_share_of_the_time_that_has_passed(clock: Clock) -> None:
    progress = _progress(100, minutes=12)
    reached = []
    for seconds in (120, 3, 3, 294, 294):
        clock.now += seconds
        reached.append(progress.advance())
    # Two minutes with the first step; then 0.5, 1, 50 and 99 % of ten: none, one, and many positions in a step.
    assert reached == [range(1, 1), range(1, 1), range(1, 2), range(2, 51), range(51, 100)]
    assert not progress.done
    clock.now += 6
    assert progress.advance() == range(100, 101)
    assert progress.done
    assert progress.step == 6


def test_the_run_stops_before_the_time_that_is_kept_free(clock: Clock) -> None:
    progress = _progress(100, minutes=10)
    assert progress.keep_free(100.0)
    progress.advance()
    clock.now += 250
    progress.advance()
    assert progress.position == 50
    assert progress.left == pytest.approx(250)
    clock.now += 250
    progress.advance()
    assert progress.done
    assert progress.elapsed == pytest.approx(500)


def test_a_position_is_never_taken_back(clock: Clock) -> None:
    progress = _progress(100, minutes=10)
    progress.advance()
    clock.now += 300
    progress.advance()
    progress.keep_free(-600.0)  # as if there were more time now
    assert progress.advance() == range(51, 51)
    assert progress.position == 50


def test_a_resumed_run_goes_on_with_the_time_that_is_left(clock: Clock) -> None:
    first = _progress(100, minutes=10)
    first.advance()
    clock.now += 240
    first.advance()
    state = first.state_dict()
    assert state == {"step": 2, "position": 40, "elapsed": 240.0, "timed": True}
    clock.now += 1e5  # the run was killed
    second = _progress(100, minutes=10)
    second.load_state_dict(state)
    assert (second.step, second.position) == (2, 40)
    assert second.left == pytest.approx(360)
    clock.now += 60  # to read pictures again
    assert second.advance() == range(41, 41)
    clock.now += 150
    assert second.advance() == range(41, 71)
    longer = _progress(100, minutes=20)
    longer.load_state_dict(state)
    assert longer.left == pytest.approx(960)


@pytest.mark.parametrize(
    ("seconds_per_step", "looks"), [(0.02, [1, 2, 12, 22, 32]), (0.1, [1, 2, 7, 12, 17]), (6.0, [1, 2, 3, 4, 5])]
)
def test_several_processes_ask_the_first_for_the_time_more_often_if_steps_are_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds_per_step: float, looks: list[int]
) -> None:
    asked = []

    def broadcast(numbers: Any) -> Any:
        asked.append(progress.step)
        return numbers

    monkeypatch.setattr(module, "broadcast", broadcast)
    progress = _progress(100, minutes=10, processes=2)
    while len(asked) < 5:
        progress.advance()
        clock.now += seconds_per_step
    assert asked == looks


def test_the_clock_of_the_first_process_counts(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "broadcast", lambda numbers: torch.tensor([33.0, 1.0])[: len(numbers)])
    progress = _progress(100, minutes=10, processes=2)
    clock.now += 1e6
    progress.advance()
    assert progress.position == 33
    assert progress.keep_free(1e6), "the first process has 33 seconds left"


def test_a_run_of_steps_and_a_run_by_the_clock_do_not_resume_each_other(clock: Clock) -> None:
    steps, timed = _progress(100), _progress(100, minutes=10)
    with pytest.raises(ValueError, match=r"a run that counts steps: resume it without --max_train_minutes"):
        timed.load_state_dict(steps.state_dict())
    with pytest.raises(ValueError, match=r"a run that ends by the clock: resume it with --max_train_minutes"):
        steps.load_state_dict(timed.state_dict())


def test_a_run_whose_time_has_passed_takes_no_more_steps(clock: Clock) -> None:
    progress = _progress(100, minutes=10)
    clock.now += 590
    assert not progress.keep_free(20)
    progress.finish()
    assert progress.done


@pytest.mark.parametrize(
    ("positions", "interval", "expected"),
    [
        (range(10, 11), 10, True),
        (range(11, 12), 10, False),
        (range(1, 1), 10, False),
        (range(8, 13), 10, True),
        (range(11, 20), 10, False),
        (range(1, 101), 40, True),
        (range(20, 21), 10, True),
    ],
)
def test_an_interval_is_crossed_once(positions: range, interval: int, expected: bool) -> None:
    assert crosses(positions, interval) is expected
