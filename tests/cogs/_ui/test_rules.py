"""`/server`: a role is shown as one, and may be typed by its name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.errors import BadOption
from bot.guilds import Change, Origin, Scope, effective
from bot.settings import Limits
from cogs._ui import rules

KEEPER, TWIN = "1180000000000000004", "1180000000000000005"


def guild(**roles: str) -> Any:
    """A server with these roles: an id by its name."""
    held = [SimpleNamespace(name=name, id=int(found)) for name, found in roles.items()]
    return cast(Any, SimpleNamespace(roles=held))


async def test_a_role_is_shown_as_a_mention_in_the_list_and_in_the_history() -> None:
    held = effective({"priority_role": KEEPER}, {}, {}, Limits())
    change = Change(Scope.SERVER, 1, "priority_role", None, KEEPER, 7, "Ada", 0.0)
    embed = rules.card(held, [change], Scope.SERVER).embed
    assert f"**priority_role**: <@&{KEEPER}> · *this server's*" in str(embed.description)
    assert f"priority_role — → <@&{KEEPER}>" in embed.fields[0].value


async def test_only_roles_are_mentions() -> None:
    held = effective({"steps": 9, "style": "<@&5>"}, {}, {}, Limits())
    shown = str(rules.card(held, [], Scope.SERVER).embed.description)
    assert "**steps**: 9 ·" in shown
    assert "<@&5>" not in shown, "what somebody typed calls nobody"
    assert held.held["steps"].origin is Origin.SERVER


@pytest.mark.parametrize("typed", ["Studio keeper", " Studio keeper ", "@Studio keeper"])
def test_the_exact_name_of_a_role_is_its_id(typed: str) -> None:
    here = guild(**{"Easel": TWIN, "Studio keeper": KEEPER})
    assert rules.meant("priority_role", typed, here) == KEEPER


@pytest.mark.parametrize("typed", [f"<@&{KEEPER}>", KEEPER, "studio", "", None])
def test_what_is_no_roles_name_stays_what_was_typed(typed: str | None) -> None:
    assert rules.meant("priority_role", typed, guild(keeper=KEEPER)) == typed
    assert rules.meant("priority_role", typed, None) == typed


def test_other_settings_may_be_called_like_a_role() -> None:
    assert rules.meant("style", "ink", guild(ink=KEEPER)) == "ink"


def test_a_name_that_two_roles_have_is_refused() -> None:
    here = guild(keeper=KEEPER)
    here.roles += guild(keeper=TWIN).roles
    with pytest.raises(BadOption, match="Several roles are called that here"):
        rules.meant("priority_role", "keeper", here)
