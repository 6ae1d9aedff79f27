"""Virtual time: who had less comes first, who was idle begins at the present."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.fairness import TRIFLE, Clock, cost_of
from bot.values.request import Hires
from tests.bot.queue.props import request


def test_work_is_steps_times_megapixels_times_pictures() -> None:
    one = cost_of(request(width=1024, height=1024, steps=20))
    assert one == pytest.approx(20 * 1.048576)
    assert cost_of(request(width=1024, height=1024, steps=20, count=4)) == pytest.approx(4 * one)


def test_a_second_pass_counts_with_its_own_size() -> None:
    plain = cost_of(request(width=512, height=512, steps=20))
    hires = Hires(scale=2.0, strength=0.5)
    assert cost_of(request(width=512, height=512, steps=20, hires=hires)) == pytest.approx(
        plain + plain * 0.5 * 4
    )


def test_img2img_counts_with_its_strength_and_the_rest_is_a_trifle() -> None:
    whole = cost_of(request(width=512, height=512, steps=20))
    half = request(width=512, height=512, steps=20, kind="img2img", denoising_strength=0.5)
    assert cost_of(half) == pytest.approx(whole / 2)
    assert cost_of(request(kind="describe")) == TRIFLE


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.01, 100)), max_size=60))
def test_a_lane_never_begins_before_its_rivals_and_keeps_what_it_owes(
    charges: list[tuple[int, float]],
) -> None:
    clock = Clock()
    for lane, work in charges:
        owes, rival = clock._times.get(lane, 0.0), clock.at((lane + 1) % 6)
        clock.begin(lane, rival)
        begins = clock.at(lane)
        assert owes <= begins <= max(owes, rival)
        clock.charge(lane, work)
        assert clock.at(lane) == pytest.approx(begins + work)
        clock.rest(lane)


def test_idle_lanes_are_not_remembered_for_ever_and_busy_ones_are() -> None:
    clock = Clock()
    clock.begin("behind", 0.0)
    clock.charge("behind", 0.5)
    for n in range(10_000):
        clock.begin(n, None)
        clock.charge(n, 1.0)
        clock.rest(n)
        clock.charge("busy", 5.0)
    assert len(clock._times) < 3_000
    assert clock.at("behind") == 0.5
