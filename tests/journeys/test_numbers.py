"""What an order costs: requests at the image server and at Discord, and completions from memory.

The promise is one generating call for one picture, polls no more often than once a second, one
edit in 2.5 s, and completions that ask nobody and that nobody's typing disturbs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import discord
import pytest
import pytest_asyncio

from tests.house import SMALL, House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")
STEP_SECONDS = 0.3
"""At 512×512; about 57 ms at 64×64."""
SLOW = 40
"""Steps of an order of about 2.3 s: some polls, and over before a second edit is due."""
POLL_SECONDS, EDIT_SECONDS = 1.0, 2.5
CLOCKS = 0.05
"""Seconds that two arrivals may lie closer together than two departures."""

PARTS = ("anime", "realistic", "dream", "mix", "turbo", "photo", "night", "merge", "pony", "oil")
LONG = "the_very_long_name_" * 6 + "of_the_last"
MODELS = [*(f"{PARTS[n % 10]}{PARTS[n // 100]}XL_v{n}" for n in range(999)), LONG]
AUTOCOMPLETE = 4
"""Discord's type of an interaction in which a member still types."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An image server with a thousand models that takes its time."""
    folder = tmp_path_factory.mktemp("numbers")
    async with open_house(folder, step_seconds=STEP_SECONDS, models=MODELS) as opened:
        yield opened


# One order.


def asked_since(house: House, before: int) -> list[str]:
    """What the image server was asked, but for the health check's own look now and then."""
    paths = [path for _, path, _ in house.server.requests[before:]]
    return [path for path in paths if not path.endswith("/progress")]


async def test_one_picture_is_one_generating_call_and_polls_once_a_second(house: House) -> None:
    before = len(house.server.requests)
    await house.draw(f"/draw prompt:one calm lake width:64 height:64 steps:{SLOW}")

    requests = house.server.requests[before:]
    calls = [path for _, path, _ in requests if not path.endswith("/progress")]
    assert calls == ["/sdapi/v1/txt2img"], "one generating call, and nothing else beside polls"
    polls = [at for _, path, at in requests if path.endswith("/progress")]
    began = next(at for _, path, at in requests if path.endswith("/txt2img"))
    assert len(polls) >= 2, "it was followed"
    assert all(later - at > POLL_SECONDS - CLOCKS for at, later in pairwise([began, *polls]))


async def test_a_quick_picture_is_one_request_alone(house: House) -> None:
    before = len(house.server.requests)
    await house.draw(f"/draw prompt:a quick fox {SMALL}")
    assert asked_since(house, before) == ["/sdapi/v1/txt2img"]


async def test_a_refused_order_asks_the_image_server_nothing(house: House) -> None:
    before = len(house.server.requests)
    await house.refused("/draw prompt:x sampler:nothing like it")
    assert asked_since(house, before) == []


async def test_the_discord_requests_of_one_order(house: House) -> None:
    before = len(house.standin.recorder.requests)
    await house.draw(f"/draw prompt:a counted lake width:64 height:64 steps:{SLOW}")
    await house.quiet()

    asked = house.standin.recorder.requests[before:]
    kinds = [kind_of(request) for request in asked]
    took = asked[-1]["t"] - asked[0]["t"]
    # The answer brings its message's id along: nobody asks for it.
    assert (kinds[0], kinds[-1]) == ("first answer", "end")
    edits = kinds[1:-1]
    assert set(edits) == {"edit"}
    assert len(edits) <= 1 + took // EDIT_SECONDS
    at = [request["t"] for request in asked[1:-1]]
    assert all(later - one > EDIT_SECONDS - CLOCKS for one, later in pairwise(at))


def kind_of(request: dict[str, Any]) -> str:
    """What a request to Discord is in the life of one order."""
    method, path = request["method"], request["path"]
    if method == "POST" and re.search(r"/interactions/\d+/[^/]+/callback$", path):
        return "first answer"
    if method == "PATCH" and path.endswith("/messages/@original"):
        shown = [file["name"] for file in request.get("files", ())]
        return "end" if shown and shown != ["preview.jpg"] else "edit"
    return f"{method} {path}"


# A thousand models.


def typing(typed: str, *, user: str = "ada", command: str = "draw", option: str = "model") -> Any:
    """A member has just pressed a key in an option of a command."""
    given = {"name": option, "type": 3, "value": typed, "focused": True}
    data = {"name": command, "type": 1, "options": [given]}
    return {"user": user, "channel": "easel", "type": AUTOCOMPLETE, "data": data}


async def choices(house: House, typed: str, **where: str) -> list[str]:
    """What a member who typed that is offered; an unanswered one fails the test."""
    answer = await house.standin.interact(typing(typed, **where))
    assert answer["outcome"] == "choices", f"{where} {typed!r} was not answered"
    return [str(choice["value"]) for choice in answer["choices"]]


def completing(house: House) -> Iterator[tuple[str, str]]:
    """Every command and option of it that completes what is typed."""
    world = house.standin.world
    for command in world.commands.visible(world.guild_id):
        for option in command.get("options") or ():
            if option.get("autocomplete"):
                yield command["name"], option["name"]


async def test_a_thousand_models_are_found_by_words_from_memory(house: House) -> None:
    before = len(house.server.requests)
    assert len(await choices(house, "")) == 25
    assert await choices(house, "v997") == ["mergeoilXL_v997"]
    assert await choices(house, "PONY real 108") == ["ponyrealisticXL_v108"]
    found = await choices(house, "dream pony")
    assert len(found) == 20
    assert all("dream" in name and "pony" in name for name in found)
    assert await choices(house, "no such words") == []
    assert asked_since(house, before) == []


async def test_every_completing_option_is_answered_from_memory(house: House) -> None:
    places = list(completing(house))
    assert {("draw", "model"), ("draw", "sampler"), ("draw", "lora")} < set(places)
    before = len(house.server.requests)
    for command, option in places:
        for typed in ("", "a", "XL 1", "x" * 90, "**@everyone"):
            found = await choices(house, typed, command=command, option=option)
            assert len(found) <= 25
            assert all(0 < len(choice) <= 100 for choice in found)
    assert asked_since(house, before) == []


async def test_a_name_too_long_for_a_choice_is_drawn_with_all_the_same(house: House) -> None:
    (choice,) = await choices(house, "very long name")
    assert len(choice) <= 100 < len(LONG)
    await house.draw(f"/draw prompt:a long name {SMALL} model:{choice}")
    assert house.server.generated[-1]["model"] == LONG


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to Discord takes 30 ms, so that one completion is under way at another's key."""
    send = discord.InteractionResponse.send_autocomplete_result

    async def slowly(response: discord.InteractionResponse, **choices: Any) -> None:
        await asyncio.sleep(0.03)
        await send(response, **choices)

    monkeypatch.setattr(discord.InteractionResponse, "send_autocomplete_result", slowly)


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize("later", [0.0, 0.01], ids=["in the same instant", "a moment later"])
async def test_nobodys_typing_cancels_anothers(house: House, later: float) -> None:
    async def after(seconds: float, typed: str) -> list[str]:
        await asyncio.sleep(seconds)
        return await choices(house, typed, user="bob")

    before = len(house.server.requests)
    for n in range(20):
        ada, bob = await asyncio.gather(
            choices(house, f"XL_v{100 + n}"), after(later, f"XL_v{200 + n}")
        )
        assert [name.split("_v")[1] for name in ada + bob] == [f"{100 + n}", f"{200 + n}"]
    assert asked_since(house, before) == []
