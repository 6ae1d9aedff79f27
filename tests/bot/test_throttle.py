"""A quota is never overspent, whoever asks and whenever; and the line never stands still."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.throttle import Throttle

RATES = st.floats(0.05, 500)
BURSTS = st.integers(1, 60)
PAUSES = st.lists(st.just(0.0) | st.floats(0, 20), min_size=1, max_size=120)
SLACK = 1e-6
"""Seconds: what floating point may lose at these times."""


def sent_at(throttle: Throttle, pauses: list[float], start: float = 1e6) -> list[float]:
    """When requests that are asked for after these pauses leave, each waiting on its own."""
    asked = list(accumulate(pauses, initial=start))[1:]
    return sorted(now + throttle.reserve(now) for now in asked)


@given(rate=RATES, burst=BURSTS)
def test_never_more_than_the_burst_at_once(rate: float, burst: int) -> None:
    throttle = Throttle(rate, burst)
    waits = [throttle.reserve(1000.0) for _ in range(burst * 2 + 2)]
    at_once = sum(wait == 0 for wait in waits)
    assert 1 <= at_once <= burst
    assert waits == sorted(waits)
    assert waits[-1] > 0


@given(rate=RATES, burst=BURSTS, pauses=PAUSES)
def test_never_more_than_the_rate_over_any_window(
    rate: float, burst: int, pauses: list[float]
) -> None:
    times = sent_at(Throttle(rate, burst), pauses)
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            window = times[last] - begin
            assert last - first + 1 <= burst + rate * (window + SLACK)


@given(rate=RATES, burst=BURSTS, pauses=PAUSES)
def test_a_wait_is_never_negative_and_no_longer_than_the_line(
    rate: float, burst: int, pauses: list[float]
) -> None:
    throttle = Throttle(rate, burst)
    now = 0.0
    for asked, pause in enumerate(pauses):
        now += pause
        assert 0 <= throttle.reserve(now) <= asked / (rate * 0.99) + SLACK


def test_a_margin_is_kept_for_the_jitter_on_the_way() -> None:
    throttle = Throttle(rate=1.0, burst=10)
    waits = [throttle.reserve(0.0) for _ in range(9)]
    assert waits[:7] == pytest.approx([0] * 7)
    assert waits[7:] == pytest.approx([1 / 0.99, 2 / 0.99])


def test_a_small_burst_is_given_in_full() -> None:
    throttle = Throttle(rate=2.0, burst=6)
    assert [throttle.reserve(5.0) for _ in range(6)] == pytest.approx([0] * 6)
    assert throttle.reserve(5.0) == pytest.approx(1 / 1.98)


def test_a_rest_gives_the_burst_back_and_no_more_than_that() -> None:
    throttle = Throttle(rate=1.0, burst=2)
    for now in (0.0, 1000.0, 2000.0):
        assert [throttle.reserve(now) == 0 for _ in range(3)] == [True, True, False]


@given(rate=RATES, burst=BURSTS, asked=st.integers(1, 100), back=st.floats(0.1, 1e6))
def test_a_clock_set_back_does_not_stall_the_line(
    rate: float, burst: int, asked: int, back: float
) -> None:
    throttle, steady = Throttle(rate, burst), Throttle(rate, burst)
    for _ in range(asked):
        throttle.reserve(2e6)
        steady.reserve(2e6)
    assert throttle.reserve(2e6 - back) <= steady.reserve(2e6) + SLACK
