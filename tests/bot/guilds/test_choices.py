"""Which choice is in force: the nearest default, the strictest cap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption
from bot.guilds import KEYS, Origin, Scope, effective, parse
from bot.settings import Limits

OPERATOR = Limits(max_steps=100)
steps = st.dictionaries(st.just("steps"), st.integers(1, 150))
caps = st.dictionaries(st.just("max_steps"), st.integers(1, 150))


@given(steps, steps, steps)
def test_the_nearest_default_wins(
    server: dict[str, int], channel: dict[str, int], member: dict[str, int]
) -> None:
    found = effective(server, channel, member, OPERATOR).held["steps"]
    layers: list[tuple[dict[str, Any], Origin]] = [
        (member, Origin.MEMBER),
        (channel, Origin.CHANNEL),
        (server, Origin.SERVER),
        ({"steps": None}, Origin.DEFAULT),
    ]
    value, origin = next((held["steps"], o) for held, o in layers if "steps" in held)
    assert (found.value, found.origin) == (value, origin)


@given(caps, caps)
def test_no_cap_is_ever_above_the_operators(
    server: dict[str, int], channel: dict[str, int]
) -> None:
    chosen = effective(server, channel, {"max_steps": 1}, OPERATOR)
    values = [100, *server.values(), *channel.values()]
    assert chosen["max_steps"] == min(values), "a member's own cap does not count"
    assert chosen.limits(OPERATOR).max_steps == min(values)


@given(st.sampled_from(sorted(KEYS)), st.text(max_size=30), st.sampled_from(list(Scope)))
def test_any_text_is_a_value_or_a_sentence(name: str, text: str, scope: Scope) -> None:
    try:
        value: Any = parse(name, text, scope)
    except BadOption as refused:
        assert refused.option == name
        assert refused.sentence
    else:
        assert value is not None
        assert not (KEYS[name].cap and scope is Scope.MEMBER)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("private", " Yes ", True),
        ("private", "off", False),
        ("cfg_scale", "6,5", 6.5),
        ("size", "Portrait", "portrait"),
        ("max_count", "10", 10),
    ],
)
def test_values_are_read_as_people_type_them(name: str, text: str, value: object) -> None:
    assert parse(name, text, Scope.SERVER) == value


def test_a_cap_is_not_a_members_to_set() -> None:
    with pytest.raises(BadOption, match="can't be set there"):
        parse("max_steps", "5", Scope.MEMBER)
