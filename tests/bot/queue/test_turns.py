"""Turns are told in order, however they were moved, and a look changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.queue.turns import Turn, Turns

KEYS = st.integers(0, 12)
WHEN = st.integers(0, 30).map(float)
DEEDS = st.lists(
    st.tuples(st.sampled_from(["put", "later", "sooner", "discard", "look"]), KEYS, WHEN),
    max_size=120,
)


def told(turns: Turns[int]) -> list[int]:
    """All keys, as one look tells them."""
    look, found = turns.look(), []
    while (head := look.head()) is not None:
        found.append(head[1])
        look.drop()
    return found


@given(DEEDS)
def test_a_look_tells_all_in_order_whatever_happened_before(
    deeds: list[tuple[str, int, float]],
) -> None:
    times: dict[int, float] = {}

    def turn(key: int) -> Turn:
        return times[key], key

    turns: Turns[int] = Turns(turn)
    for deed, key, when in deeds:
        if deed == "put":
            times[key] = when
            turns.put(key)
        elif deed == "discard":
            times.pop(key, None)
            turns.discard(key)
        elif key in times and deed == "later":
            times[key] = max(times[key], when)  # without a word
        elif key in times and deed == "sooner":
            times[key] = min(times[key], when)
            turns.sooner(key)
        elif deed == "look":
            assert told(turns) == sorted(times, key=turn)
    assert told(turns) == told(turns) == sorted(times, key=turn)
    assert len(turns) == len(times)


@given(st.lists(WHEN, min_size=1, max_size=30))
def test_a_look_with_turns_of_its_own_goes_round(times: list[float]) -> None:
    """Each head that is served goes back by ten, in this look alone."""
    turns: Turns[int] = Turns(lambda key: (times[key], key))
    for key in range(len(times)):
        turns.put(key)
    mine, expected = list(times), list(times)
    look = turns.look(lambda key: (mine[key], key))
    for _ in range(60):
        key = look.first()
        assert (expected[key], key) == min((t, k) for k, t in enumerate(expected))
        mine[key] += 10
        expected[key] += 10
    assert told(turns) == sorted(range(len(times)), key=lambda key: (times[key], key))


def test_what_is_no_longer_true_is_cleared_away() -> None:
    turns: Turns[int] = Turns(lambda key: (0.0, key))
    for n in range(10_000):
        turns.put(n % 10)
    assert len(turns._heap) < 100
