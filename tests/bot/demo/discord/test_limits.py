"""Discord's limits on messages, components and modals, each with the place where it is told."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.demo.discord.clock import Clock
from bot.demo.discord.compose import Draft, write
from bot.demo.discord.errors import Problems, Refusal
from bot.demo.discord.limits_components import check_modal
from bot.demo.discord.modals import numbered_modal
from bot.demo.discord.rest import new_message
from bot.demo.discord.world import World
from tests.bot.demo.discord.raw_bot import BUTTON, V2, Json, RawBot, row, slash

LINK = {"type": 2, "style": 5, "label": "web", "url": "https://example.org"}
SELECT: Json = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]}
TEXT = {"type": 10, "content": "words"}


def buttons(count: int) -> list[Json]:
    return [{**BUTTON, "custom_id": str(n)} for n in range(count)]


def embed(**parts: Any) -> Json:
    return {"embeds": [parts]}


GOOD: list[Json] = [
    {"content": "x" * 2000},
    {"embeds": [{"description": "x" * 4096}, {"description": "y" * 1904}]},
    {"embeds": [{"title": "t"}] * 10},
    {"content": "x", "components": [row(*buttons(5))]},
    {"content": "x", "components": [row(LINK), row(SELECT)]},
    {"flags": V2, "components": [TEXT, {"type": 14}, row(BUTTON)]},
    {"flags": V2, "components": [{"type": 9, "components": [TEXT], "accessory": LINK}]},
    embed(timestamp="2026-11-20T10:00:00+00:00", color=0xFFFFFF, url="https://example.org"),
    {"content": "x", "flags": None, "allowed_mentions": None, "components": None, "tts": False},
]
BAD: list[tuple[Json, dict[str, str]]] = [
    ({"content": "x" * 2001}, {"content": "BASE_TYPE_MAX_LENGTH"}),
    ({"content": 5}, {"content": "STRING_TYPE_CONVERT"}),
    ({"embeds": [{"title": "t"}] * 11}, {"embeds": "BASE_TYPE_MAX_LENGTH"}),
    ({"embeds": "no list"}, {"embeds": "LIST_TYPE_CONVERT"}),
    ({"embeds": ["no object"]}, {"embeds.0": "MODEL_TYPE_CONVERT"}),
    (embed(title="x" * 257), {"embeds.0.title": "BASE_TYPE_MAX_LENGTH"}),
    (embed(description="x" * 4097), {"embeds.0.description": "BASE_TYPE_MAX_LENGTH"}),
    (embed(footer={"text": "x" * 2049}), {"embeds.0.footer.text": "BASE_TYPE_MAX_LENGTH"}),
    (embed(author={"name": "x" * 257}), {"embeds.0.author.name": "BASE_TYPE_MAX_LENGTH"}),
    (embed(fields=[{"name": "n", "value": "v"}] * 26), {"embeds.0.fields": "BASE_TYPE_MAX_LENGTH"}),
    (embed(fields=[{"name": "n"}]), {"embeds.0.fields.0.value": "BASE_TYPE_REQUIRED"}),
    (
        embed(fields=[{"name": "n", "value": "x" * 1025}]),
        {"embeds.0.fields.0.value": "BASE_TYPE_MAX_LENGTH"},
    ),
    (embed(color="red"), {"embeds.0.color": "NUMBER_TYPE_COERCE"}),
    (embed(color=0x1000000), {"embeds.0.color": "NUMBER_TYPE_MAX"}),
    (embed(image={"url": "ftp://x/y"}), {"embeds.0.image.url": "URL_TYPE_INVALID_SCHEME"}),
    (embed(timestamp="yesterday"), {"embeds.0.timestamp": "DATE_TIME_TYPE_PARSE"}),
    (
        {"embeds": [{"description": "x" * 4000}, {"description": "y" * 2001}]},
        {"embeds": "MAX_EMBED_SIZE_EXCEEDED"},
    ),
    (
        {"content": "x", "components": [row(b) for b in buttons(6)]},
        {"components": "BASE_TYPE_MAX_LENGTH"},
    ),
    (
        {"content": "x", "components": [row(*buttons(6))]},
        {"components.0.components": "BASE_TYPE_BAD_LENGTH"},
    ),
    (
        {"content": "x", "components": [row(BUTTON, SELECT)]},
        {"components.0.components": "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
    ),
    (
        {"content": "x", "components": [row(BUTTON), row(BUTTON)]},
        {"components": "COMPONENT_CUSTOM_ID_DUPLICATED"},
    ),
    (
        {"content": "x", "components": [row({**BUTTON, "custom_id": "x" * 101})]},
        {"components.0.components.0.custom_id": "BASE_TYPE_BAD_LENGTH"},
    ),
    (
        {"content": "x", "components": [row({**BUTTON, "label": "x" * 81})]},
        {"components.0.components.0.label": "BASE_TYPE_MAX_LENGTH"},
    ),
    (
        {"content": "x", "components": [row({**LINK, "url": None})]},
        {"components.0.components.0.url": "BUTTON_COMPONENT_URL_REQUIRED"},
    ),
    (
        {"content": "x", "components": [row({**SELECT, "options": SELECT["options"] * 2})]},
        {"components.0.components.0.options.1.value": ("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED")},
    ),
    ({"content": "x", "components": [TEXT]}, {"components.0.type": "BASE_TYPE_CHOICES"}),
    (
        {"flags": V2, "content": "x", "components": [TEXT]},
        {"content": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
    ),
    (
        {"flags": V2, "components": [row(b) for b in buttons(21)]},
        {"components": "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"},
    ),
    (
        {"flags": V2, "components": [{"type": 10, "content": "x" * 2001}] * 2},
        {"components": "COMPONENT_MAX_TEXT_LENGTH_EXCEEDED"},
    ),
    (
        {"flags": V2, "components": [{"type": 9, "components": [TEXT] * 4, "accessory": LINK}]},
        {"components.0.components": "BASE_TYPE_BAD_LENGTH"},
    ),
    (
        {"flags": V2, "components": [{"type": 12, "items": []}]},
        {"components.0.items": "BASE_TYPE_BAD_LENGTH"},
    ),
    (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        {"allowed_mentions": "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
    ),
    (
        {"content": "x", "allowed_mentions": {"users": [str(n) for n in range(101)]}},
        {"allowed_mentions.users": "BASE_TYPE_MAX_LENGTH"},
    ),
]


@pytest.mark.parametrize("body", GOOD)
async def test_what_discord_takes(bot: RawBot, body: Json) -> None:
    answer = await bot.rest.send("easel", body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(("body", "faults"), BAD)
async def test_what_discord_refuses(bot: RawBot, body: Json, faults: dict[str, str]) -> None:
    assert (await bot.rest.send("easel", body)).faults() == faults


@pytest.mark.parametrize("body", [{}, {"content": "  "}, {"embeds": [], "components": []}])
async def test_an_empty_message_is_refused(bot: RawBot, body: Json) -> None:
    assert (await bot.rest.send("easel", body)).refused == (400, 50006)


async def test_an_edit_that_empties_a_message_is_refused(bot: RawBot) -> None:
    asked = await bot.answered()
    assert (await asked.edit({"content": None})).refused == (400, 50006)


async def test_a_file_over_the_interactions_limit_is_refused(bot: RawBot) -> None:
    bot.rest.stand_in.set_upload_limit(1000)
    asked = await bot.answered(kind=5)
    assert asked.payload["attachment_size_limit"] == 1000
    large = {"files[0]": ("a.bin", b"x" * 1001)}
    assert (await asked.edit({}, files=large)).refused == (413, 40005)
    assert (await asked.edit({}, files={"files[0]": ("a.bin", b"x" * 1000)})).status == 200


async def test_a_request_over_25_mib_is_refused(bot: RawBot) -> None:
    files = {f"files[{n}]": (f"{n}.bin", bytes(9 << 20)) for n in range(3)}
    assert (await bot.rest.send("easel", {}, files=files)).refused == (413, 40005)


async def test_a_message_holds_ten_files(bot: RawBot) -> None:
    files = {f"files[{n}]": (f"{n}.txt", b"x") for n in range(11)}
    assert (await bot.rest.send("easel", {}, files=files)).refused == (400, 30015)


async def test_broken_json_is_refused(bot: RawBot) -> None:
    room = bot.rest.stand_in.world.channel("easel")
    url = f"{bot.rest.stand_in.api_url}/v10/channels/{room.id}/messages"
    headers = {
        "Authorization": f"Bot {bot.rest.stand_in.token}",
        "Content-Type": "application/json",
    }
    async with bot.rest.session.post(url, data="{", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)


# -- modals
def modal(*components: Json, **more: Any) -> Json:
    return {"custom_id": "m", "title": "A modal", "components": list(components), **more}


def label(component: Json, **more: Any) -> Json:
    return {"type": 18, "label": "L", "component": component, **more}


INPUT = {"type": 4, "custom_id": "i", "style": 1}
BAD_MODALS: list[tuple[Json, dict[str, str]]] = [
    (modal(), {"data.components": "BASE_TYPE_BAD_LENGTH"}),
    (
        modal(*(label({**INPUT, "custom_id": str(n)}) for n in range(6))),
        {"data.components": "BASE_TYPE_BAD_LENGTH"},
    ),
    (modal(label(INPUT), title="x" * 46), {"data.title": "BASE_TYPE_BAD_LENGTH"}),
    (modal(label(INPUT), custom_id=None), {"data.custom_id": "BASE_TYPE_REQUIRED"}),
    (modal(label(INPUT, label="x" * 46)), {"data.components.0.label": "BASE_TYPE_BAD_LENGTH"}),
    (modal(label(INPUT), label(INPUT)), {"data.components": "COMPONENT_CUSTOM_ID_DUPLICATED"}),
    (modal(label(BUTTON)), {"data.components.0.component.type": "BASE_TYPE_CHOICES"}),
    (modal(row(BUTTON)), {"data.components.0.components.0.type": "BASE_TYPE_CHOICES"}),
    (
        modal(label({**INPUT, "value": "x" * 4001})),
        {"data.components.0.component.value": "BASE_TYPE_MAX_LENGTH"},
    ),
]


@pytest.mark.parametrize(("data", "faults"), BAD_MODALS)
async def test_a_bad_modal_is_refused(bot: RawBot, data: Json, faults: dict[str, str]) -> None:
    asked = await bot.asked(slash())
    assert (await asked.answer(9, data)).faults() == faults


# -- whatever comes, the answer is Discord's and never a crash
KEYS = re.findall(
    r"\w+",
    """type components component accessory custom_id options style content items media url id name
    description choices parse users fields footer image timestamp color label value min_value
    max_value name_localizations required file text icon_url title author embeds flags emoji""",
)
FIELDS = re.findall(
    r"\w+",
    """content embeds components flags attachments nonce allowed_mentions title custom_id type name
    options description""",
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS), st.sampled_from([1, 2, 3, 9, 10, 12, 17]) | inner, max_size=5
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), json_values), json_values)
def test_any_body_is_judged(body: Json, value: Any) -> None:
    world = World(Clock())
    message = new_message(world, world.channel("easel"), world.bot)
    problems = Problems()
    check_modal(problems, body)
    try:
        asyncio.run(write(world, message, Draft(body)))
        assert json.dumps(world.render(message))
        problems.raise_if_any()
        assert json.dumps(numbered_modal(body))
    except Refusal as refusal:
        assert refusal.code in (50035, 50006, 50146)
    try:
        world.commands.overwrite(None, [body, value])
    except Refusal as refusal:
        assert refusal.code in (50035, 30032)
