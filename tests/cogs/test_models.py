"""/models as members use it: look, search, turn, choose, and have the lists read anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.errors import NotAllowed, Refusal
from bot.values.ability import Model
from bot.values.guest import Guest
from tests.house import House, labels, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = [f"{'a model of many words ' * 7}{n}" for n in range(2)]
"""Longer than an option's value may be, and alike at the beginning."""
MODELS = ["dreamshaper_8", "animagineXL_v31", *LONG, *(f"mix {n:02}" for n in range(10))]
Refresher = Callable[[Guest], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("models")
    async with open_house(folder, models=MODELS) as opened:
        yield opened


def select_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of the message's one select."""
    parts = [c for row in message["components"] for c in row["components"]]
    return [o for c in parts if c["type"] == 3 for o in c["options"]]


def instead(house: House, monkeypatch: pytest.MonkeyPatch, refresh: Refresher) -> None:
    """Lets the studio look again in another way."""
    monkeypatch.setattr(house.easel.bot.studio, "refresh", refresh, raising=False)


async def test_a_model_shows_its_label_and_its_exact_name(house: House) -> None:
    shown = await house.draw("/models")
    assert shown["ephemeral"]
    assert "**DreamShaper 8** · dreamshaper\\_8 · *loaded*" in words(shown)
    assert "Trigger words: `masterpiece, best quality" in words(shown)
    first = select_of(shown)[0]
    assert (first["label"], first["value"]) == ("DreamShaper 8", "dreamshaper_8")


@pytest.mark.parametrize("query", ["anim 31", "Animagine XL 3.1", "very aesthetic"])
async def test_it_is_found_by_name_label_and_trigger_word(house: House, query: str) -> None:
    shown = await house.draw(f"/models search:{query}")
    assert [o["value"] for o in select_of(shown)] == ["animagineXL_v31"]


@pytest.mark.parametrize("channel", ["easel", "dm"])
async def test_pages_and_tabs_turn_on_a_server_and_in_direct_messages(
    house: House, channel: str
) -> None:
    async with house.player(channel=channel) as player:
        await player.say("/models")
        on = await player.say("press ▶")
        assert on.message is not None, on.reason
        assert "page 2 of 2 · 14 in all" in words(on.message)
        loras = await player.say("press LoRAs")
        assert loras.message is not None, loras.reason
        assert "**Detail Tweaker** · add\\_detail" in words(loras.message)
        found = await player.say("/models search:pixel show:LoRAs")
        assert found.message is not None, found.reason
        assert "1 found" in words(found.message)


async def test_one_of_two_long_names_is_chosen(house: House) -> None:
    async with house.player(user="bob") as player:
        shown = await player.say("/models search:many words")
        assert shown.message is not None
        options = select_of(shown.message)
        assert len({o["value"] for o in options}) == 2
        chosen = await player.say(f"select {options[1]['value']}")
        assert chosen.ok, chosen.reason
        again = await player.say("/models search:many words")
    assert again.message is not None
    assert [o.get("default", False) for o in select_of(again.message)] == [False, True]


# -- Refresh ---------------------------------------------------------------------------------------


async def test_only_those_who_may_change_things_see_refresh(house: House) -> None:
    assert "Refresh" not in labels(await house.draw("/models"))
    assert "Refresh" in labels(await house.draw("/models", user="admin"))


async def test_a_refresh_says_that_it_looks_and_then_what_is_new(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, free = asyncio.Event(), asyncio.Event()
    (painter,) = house.easel.painters.values()
    before = painter.backend.ability
    assert before is not None

    async def refresh(guest: Guest) -> None:
        assert guest.can_admin
        asked.set()
        await free.wait()
        new = (Model("flux1-dev", "flux1-dev.safetensors"),)
        painter.backend.ability = replace(before, models=before.models + new)

    instead(house, monkeypatch, refresh)
    try:
        async with house.player(user="admin") as player:
            await player.say("/models search:flux")
            message = house.shown(user="admin")[-1]
            press = asyncio.create_task(player.say("press Refresh"))
            await asked.wait()
            looking = house.message(message["id"], user="admin")
            assert "Looking …" in labels(looking), "an image server at work may take minutes"
            free.set()
            done = await press
        assert done.message is not None, done.reason
        assert "🔄 Looked again: 15 models, 1 new." in words(done.message)
        assert "**FLUX.1 \\[dev\\]** · flux1-dev" in words(done.message)
        assert "1 found" in words(done.message), "the search is kept"
        assert "Refresh" in labels(done.message)
    finally:
        painter.backend.ability = before


@pytest.mark.parametrize(
    "error", [Refusal("The image server can't be reached."), NotAllowed("Not here.")]
)
async def test_a_refresh_that_fails_is_told_and_can_be_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Refusal
) -> None:
    async def refresh(guest: Guest) -> None:
        raise error

    instead(house, monkeypatch, refresh)
    async with house.player(user="admin") as player:
        shown = await player.say("/models")
        await player.say("press Refresh")
        assert shown.message is not None
        told = house.shown(user="admin")[-1]
        assert error.sentence in words(told)
        assert told["ephemeral"]
        assert "Refresh" in labels(house.message(shown.message["id"], user="admin"))


async def test_a_press_by_somebody_who_may_not_is_refused_kindly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button is in a private card; but a permission can be taken away meanwhile."""

    async def refresh(guest: Guest) -> None:
        raise AssertionError("the studio is not asked")

    instead(house, monkeypatch, refresh)
    with monkeypatch.context() as earlier:
        earlier.setattr(house.easel.bot.studio.rules, "may_change", lambda guest: True)
        card = await house.draw("/models")
    outcome = await house.press(card["id"], "refresh:models:0:")
    assert outcome["outcome"] == "message", outcome
    told = house.message(outcome["message_id"])
    assert "Only people who may manage this server" in words(told)
    assert told["ephemeral"]
