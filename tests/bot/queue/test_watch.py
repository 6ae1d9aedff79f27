"""Sense from raw progress: it never falls back, and the time left is only said when it is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.watch import ProgressWatch, steps_of
from tests.bot.queue.props import request


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_follows_the_server(clock: Clock) -> None:
    watch = ProgressWatch(20, clock=clock)
    first, second = watch.at(0.25), watch.at(0.5)
    assert (first.fraction, first.step, first.steps) == (0.25, 5, 20)
    assert (second.fraction, second.step, second.steps) == (0.5, 10, 20)


def test_it_never_falls_back(clock: Clock) -> None:
    """A hires pass doubles the number of jobs, a model load sets it to -1: servers do fall back."""
    watch = ProgressWatch(20, clock=clock)
    shown = [watch.at(f).fraction for f in (0.1, 0.5, 0.3, 0.01, 0.0, 0.6, 0.59)]
    assert shown == [0.1, 0.5, 0.5, 0.5, 0.5, 0.6, 0.6]


def test_the_floor_while_a_model_loads_is_no_progress(clock: Clock) -> None:
    """0.01 for minutes: nothing is known yet (sdapi trap 11)."""
    watch = ProgressWatch(20, clock=clock)
    for _ in range(5):
        clock.now += 60
        progress = watch.at(0.01)
        assert (progress.fraction, progress.step, progress.eta_seconds) == (0.0, 0, None)


def test_the_time_of_loading_does_not_spoil_the_time_left(clock: Clock) -> None:
    watch = ProgressWatch(10, clock=clock)
    watch.at(0.01)
    clock.now += 300
    assert watch.at(0.1).eta_seconds is None, "one look is no speed yet"
    clock.now += 1
    # A tenth a second, eight tenths to go.
    assert watch.at(0.2).eta_seconds == pytest.approx(8.0)


def test_the_time_left_shrinks_at_an_even_pace(clock: Clock) -> None:
    watch = ProgressWatch(20, clock=clock)
    left = []
    for n in range(1, 21):
        clock.now += 0.5
        left.append(watch.at(n / 20).eta_seconds)
    assert left[0] is None
    assert left[1:] == pytest.approx([(20 - n) * 0.5 for n in range(2, 21)])
    assert left[-1] == pytest.approx(0)


def test_the_end_is_the_end(clock: Clock) -> None:
    watch = ProgressWatch(20, clock=clock)
    done = watch.at(1.0)
    assert (done.fraction, done.step) == (1.0, 20)
    assert watch.at(5.0).fraction == 1.0


@pytest.mark.parametrize("odd", [-1.0, -0.0, 1.5, math.inf, -math.inf, math.nan])
def test_odd_figures_stay_between_nothing_and_all(clock: Clock, odd: float) -> None:
    """Servers have said 1.02, and JSON readers take NaN."""
    watch = ProgressWatch(20, clock=clock)
    watch.at(0.5)
    clock.now += 1
    assert 0.5 <= watch.at(odd).fraction <= 1.0


# -- several pictures, several calls ---------------------------------------------------------------


def test_pictures_of_earlier_calls_count(clock: Clock) -> None:
    """Two of four are there; the call that runs is to bring the other two."""
    watch = ProgressWatch(10, 4, done=2, clock=clock)
    assert [watch.at(f).fraction for f in (0.01, 0.5, 1.0)] == [0.5, 0.75, 1.0]
    assert (watch.at(1.0).step, watch.at(1.0).steps) == (40, 40)


def test_a_picture_on_disk_is_progress_where_the_server_tells_none(clock: Clock) -> None:
    """KoboldCpp says nothing while it paints, one picture a call."""
    watch = ProgressWatch(10, 4, clock=clock)
    clock.now += 30
    first = watch.kept(1)
    assert (first.fraction, first.step, first.eta_seconds) == (0.25, 10, None)
    clock.now += 8
    assert watch.kept(2).eta_seconds == pytest.approx(16)
    assert watch.at(0.0).fraction == 0.5, "the next call begins where the last one ended"


def test_a_retry_does_not_take_the_loading_for_its_pace(clock: Clock) -> None:
    watch = ProgressWatch(10, 4, done=2, clock=clock)
    watch.at(0.01)
    clock.now += 300
    watch.at(0.1)
    clock.now += 1
    # A tenth of two pictures a second, eight tenths of two to go.
    assert watch.at(0.2).eta_seconds == pytest.approx(8.0)


def test_the_newest_preview_goes_along_with_all_later_news(clock: Clock) -> None:
    watch = ProgressWatch(20, clock=clock)
    assert watch.at(0.01).preview is None
    assert watch.at(0.2, b"one").preview == b"one"
    assert watch.at(0.3).preview == b"one"
    assert watch.at(0.4, b"two").preview == b"two"
    assert watch.kept(1).preview == b"two"


def test_the_second_pass_has_steps_of_its_own() -> None:
    assert steps_of(request(steps=20)) == 20
    assert steps_of(request(steps=20, hires={"steps": 8})) == 28
    assert steps_of(request(steps=20, hires={"steps": 0})) == 40, "0: as many as the first"


@given(
    st.integers(1, 1500),
    st.lists(
        st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 100)), max_size=30
    ),
)
def test_whatever_the_server_says_it_makes_sense(
    steps: int, said: list[tuple[float, float]]
) -> None:
    clock = Clock()
    watch = ProgressWatch(steps, clock=clock)
    before = 0.0
    for fraction, pause in said:
        clock.now += pause
        progress = watch.at(fraction)
        assert before <= progress.fraction <= 1
        assert progress.step is not None
        assert 0 <= progress.step <= steps
        assert progress.steps == steps
        assert progress.eta_seconds is None or 0 <= progress.eta_seconds < math.inf
        before = progress.fraction
