"""A quota is never overspent, whoever asks and whenever; and the line never stands still."""

from __future__ import annotations

import heapq
import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.throttle import CALM, LONGEST_PAUSE, Brake, Throttle

RATES = st.floats(0.05, 500)
BURSTS = st.integers(1, 60)
PAUSES = st.lists(st.just(0.0) | st.floats(0, 20), min_size=1, max_size=120)
SHARES = st.lists(st.floats(0, 1), min_size=120, max_size=120)
STEPS = st.lists(st.floats(-1e6, 1e6) | st.floats(-2, 2), min_size=1, max_size=40)
SLACK = 1e-5
"""Seconds: what floating point may lose at these times."""


class Bucket:
    """The far end, as a gateway counts: `burst` tokens at most, `rate` new ones a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.seen = float(burst), 0.0

    def admits(self, now: float) -> bool:
        """Takes a token if there is a whole one."""
        self.tokens = min(self.burst, self.tokens + (now - self.seen) * self.rate)
        self.seen = now
        if self.tokens < 1 - self.rate * SLACK:
            return False
        self.tokens -= 1
        return True


def margin(rate: float, burst: int) -> float:
    """Seconds by which requests may be late on their way, and by different times."""
    return max(3, burst // 6) / rate if burst > 6 else 0.0


def take(throttle: Throttle, now: float) -> float:
    """A permit for a request that leaves at once, or the wait for it."""
    if wait := throttle.take(now):
        return wait
    throttle.left(now)
    return 0.0


def sent_at(throttle: Throttle, asked: list[float]) -> list[float]:
    """When requests that are asked for at these times leave, one after the other."""
    now, times = 0.0, []
    for one in asked:
        now = max(now, one)
        if wait := take(throttle, now):
            now += wait
            assert take(throttle, now) == 0, "the wait that was told is long enough"
        times.append(now)
    return times


def left_at(throttle: Throttle, asked: list[float], delays: list[float]) -> list[float]:
    """The same for requests that need a while to leave, each a different one."""
    now, times = 0.0, []
    on_their_way: list[float] = []
    for one, delay in zip(asked, delays, strict=False):
        now = max(now, one)
        while True:
            while on_their_way and on_their_way[0] <= now:
                throttle.left(heapq.heappop(on_their_way))
            wait = throttle.take(now)
            if not wait:
                break
            now = min([now + wait, *on_their_way[:1]])
        heapq.heappush(on_their_way, now + delay)
        times.append(now + delay)
    return times


# -- never too many --------------------------------------------------------------------------------


@given(
    rate=RATES,
    burst=BURSTS,
    pauses=PAUSES,
    delays=st.lists(st.just(0.0) | st.floats(0, 20), min_size=120, max_size=120),
    late=SHARES,
)
def test_the_far_end_never_refuses_however_late_requests_leave(
    rate: float, burst: int, pauses: list[float], delays: list[float], late: list[float]
) -> None:
    """Nor with any jitter on the way within the margin."""
    times = left_at(Throttle(rate, burst), list(accumulate(pauses)), delays)
    most = margin(rate, burst)
    arrivals = sorted(t + most * share for t, share in zip(times, late, strict=False))
    bucket = Bucket(rate, burst)
    assert all(bucket.admits(now) for now in arrivals)


@given(rate=RATES, burst=BURSTS, pauses=PAUSES)
def test_never_more_than_the_rate_over_any_window(
    rate: float, burst: int, pauses: list[float]
) -> None:
    times = sent_at(Throttle(rate, burst), list(accumulate(pauses)))
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            window = times[last] - begin
            assert last - first + 1 <= burst + rate * (window + SLACK)


def test_a_margin_is_kept_for_the_jitter_on_the_way() -> None:
    throttle = Throttle(rate=1.0, burst=10)
    assert [take(throttle, 0.0) for _ in range(7)] == [0] * 7
    assert take(throttle, 0.0) == pytest.approx(1 / 0.99)


def test_a_small_burst_is_given_in_full() -> None:
    throttle = Throttle(rate=2.0, burst=6)
    assert [take(throttle, 5.0) for _ in range(6)] == [0] * 6
    assert take(throttle, 5.0) == pytest.approx(1 / 1.98)


def test_what_has_not_left_keeps_its_share_of_the_burst() -> None:
    """It may arrive together with all that was given since."""
    throttle = Throttle(rate=1.0, burst=3)
    assert [throttle.take(0.0) for _ in range(3)] == [0] * 3
    assert throttle.take(1000.0) == math.inf
    throttle.left(1000.0)
    assert throttle.take(1000.0) == pytest.approx(1 / 0.99)
    throttle.give_back()
    assert throttle.take(1000.0) == 0


# -- never too few ---------------------------------------------------------------------------------


@given(rate=RATES, burst=BURSTS, count=st.integers(1, 200))
def test_a_full_line_spends_all_but_the_margin(rate: float, burst: int, count: int) -> None:
    kept = burst - max(3, burst // 6) if burst > 6 else burst
    times = sent_at(Throttle(rate, burst), [0.0] * count)
    assert times[-1] == pytest.approx(max(0, count - kept) / (rate * 0.99), abs=SLACK)


@given(rate=RATES, burst=BURSTS, pauses=PAUSES)
def test_nobody_waits_longer_than_for_one_permit(
    rate: float, burst: int, pauses: list[float]
) -> None:
    throttle = Throttle(rate, burst)
    for now in accumulate(pauses):
        assert 0 <= take(throttle, now) <= 1 / (rate * 0.99) + SLACK


@given(rate=RATES, burst=BURSTS, pauses=PAUSES, early=st.floats(0.01, 0.99))
def test_asking_too_early_costs_nothing(
    rate: float, burst: int, pauses: list[float], early: float
) -> None:
    patient, eager = Throttle(rate, burst), Throttle(rate, burst)
    asked = list(accumulate(pauses))
    now = 0.0
    for one, expected in zip(asked, sent_at(patient, asked), strict=True):
        now = max(now, one)
        while wait := take(eager, now):
            now += wait * early if wait > SLACK else wait
        assert now == pytest.approx(expected, abs=SLACK)


def test_a_rest_gives_the_burst_back_and_no_more_than_that() -> None:
    throttle = Throttle(rate=1.0, burst=2)
    for now in (0.0, 1000.0, 2000.0):
        assert [take(throttle, now) == 0 for _ in range(3)] == [True, True, False]


@given(rate=RATES, burst=BURSTS, pauses=PAUSES, later=PAUSES)
def test_a_permit_that_is_given_back_was_never_taken(
    rate: float, burst: int, pauses: list[float], later: list[float]
) -> None:
    throttle, twin = Throttle(rate, burst), Throttle(rate, burst)
    times = list(accumulate(pauses))
    for now in times:
        assert take(throttle, now) == take(twin, now)
    if throttle.take(times[-1]) == 0:
        throttle.give_back()
    for now in accumulate(later, initial=times[-1]):
        assert take(throttle, now) == take(twin, now)


@given(rate=RATES, burst=BURSTS, keep=st.floats(0, 1), count=st.integers(1, 100))
def test_whoever_must_keep_a_share_leaves_it_and_still_uses_the_rate(
    rate: float, burst: int, keep: float, count: int
) -> None:
    throttle = Throttle(rate, burst)
    now = 0.0
    for _ in range(count):
        if wait := throttle.take(now, keep):
            now += wait
            assert throttle.take(now, keep) == 0
        throttle.left(now)
    assert now <= count / (rate * 0.99) + SLACK
    kept = burst - max(3, burst // 6) if burst > 6 else burst
    assert all(take(throttle, now) == 0 for _ in range(int((kept - 1) * keep)))


def test_without_a_limit_nothing_waits_but_a_drain_is_kept() -> None:
    throttle = Throttle(math.inf, 10**9)
    assert {take(throttle, 5.0) for _ in range(1000)} == {0}
    throttle.drain(9.0)
    assert take(throttle, 5.0) == 4.0
    assert {take(throttle, 9.0) for _ in range(1000)} == {0}


@given(rate=RATES, burst=BURSTS, rest=st.floats(0, 100))
def test_after_a_drain_only_the_rate_is_left(rate: float, burst: int, rest: float) -> None:
    throttle = Throttle(rate, burst)
    throttle.drain(rest)
    times = sent_at(throttle, [0.0] * 5)
    steady = [rest + n / (rate * 0.99) for n in range(5)]
    assert times == pytest.approx(steady, abs=SLACK)


# -- clocks that jump ------------------------------------------------------------------------------


@given(rate=RATES, burst=BURSTS, steps=STEPS)
def test_a_clock_that_jumps_never_stops_the_line(
    rate: float, burst: int, steps: list[float]
) -> None:
    """Not for longer than burst / rate, and the margin on top."""
    throttle = Throttle(rate, burst)
    for now in accumulate(steps, initial=1e6):
        while (wait := take(throttle, now)) == 0:
            pass
        assert wait <= burst / (rate * 0.99) + SLACK
        assert take(throttle, now + wait + SLACK) == 0


@given(rate=RATES, burst=BURSTS, back=st.floats(0.1, 1e6))
def test_a_clock_set_back_gives_no_burst_away(rate: float, burst: int, back: float) -> None:
    throttle = Throttle(rate, burst)
    while take(throttle, 2e6) == 0:
        pass
    assert take(throttle, 2e6 - back) > 0


# -- the brake -------------------------------------------------------------------------------------


def refused(brake: Brake, times: int, chance: float = 1.0) -> list[float]:
    """The pauses after refusals of requests that are sent as soon as they may."""
    now, pauses = 0.0, []
    for _ in range(times):
        brake.slow(now, now, None, chance)
        pauses.append(brake.wait(now))
        now += pauses[-1] + 0.1
    return pauses


def test_pauses_double_to_a_minute() -> None:
    assert refused(Brake(), 8) == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])


def test_ten_thousand_refusals_are_still_a_minute() -> None:
    assert refused(Brake(), 10_000)[-1] == pytest.approx(LONGEST_PAUSE, abs=1e-3)


@given(chance=st.floats(0, 0.999), times=st.integers(1, 9))
def test_a_pause_is_anything_up_to_its_bound(chance: float, times: int) -> None:
    bounds = refused(Brake(), times)
    assert refused(Brake(), times, chance) == pytest.approx([b * chance for b in bounds], abs=1e-6)


@given(seconds=st.floats(0, 600), chance=st.floats(0, 1))
def test_what_the_server_asked_for_is_kept_and_a_little_more(seconds: float, chance: float) -> None:
    brake = Brake()
    brake.slow(100.0, 99.0, seconds, chance)
    assert seconds - SLACK <= brake.wait(100.0) <= seconds + 1 + SLACK
    assert brake.wait(100.0 + seconds + 1.001) == 0


def test_refusals_of_what_was_sent_together_are_one() -> None:
    brake = Brake()
    told = [brake.slow(1.0 + n / 100, 0.9, None, 1.0) for n in range(30)]
    assert told == [True] + [False] * 29
    assert brake.wait(1.0) == pytest.approx(1.0)
    brake.slow(2.5, 2.1, None, 1.0)
    assert brake.wait(2.5) == pytest.approx(2.0), "this one was sent afterwards"


def test_of_several_answers_the_longest_counts() -> None:
    brake = Brake()
    for seconds in (3.0, 9.0, 6.0):
        brake.slow(10.0, 9.0, seconds, 0.0)
    assert brake.wait(10.0) == pytest.approx(9.0)


def test_refusals_are_forgotten_when_all_has_been_well_for_a_while() -> None:
    brake = Brake()
    refused(brake, 5)
    for _ in range(CALM):
        brake.eased(1.0)  # sent before the last refusal: tells nothing
    assert brake.slow(200.0, 100.0, None, 1.0)
    assert brake.wait(200.0) == pytest.approx(32)
    for _ in range(CALM):
        brake.eased(300.0)
    brake.slow(400.0, 399.0, None, 1.0)
    assert brake.wait(400.0) == pytest.approx(1.0)


def test_one_good_answer_forgets_nothing() -> None:
    brake = Brake()
    refused(brake, 5)
    brake.eased(100.0)
    brake.slow(200.0, 199.0, None, 1.0)
    assert brake.wait(200.0) == pytest.approx(32)


@given(steps=STEPS, seconds=st.floats(0, 60))
def test_a_clock_that_jumps_never_makes_a_pause_longer(steps: list[float], seconds: float) -> None:
    brake = Brake()
    brake.slow(1e6, 1e6 - 1, seconds, 0.0)
    for now in accumulate(steps, initial=1e6):
        wait = brake.wait(now)
        assert wait <= seconds + SLACK
        assert brake.wait(now + wait + SLACK) == 0
