"""The commands that Discord is given: within its limits, and with the product's own bounds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from bot.client import PERMISSIONS, EaselBot, Memory
from bot.demo.discord.limits_commands import check_commands
from bot.settings import Environment, Limits
from bot.studio import Aspect, DrawOptions
from bot.studio.compose import LARGEST_CFG, LARGEST_SIDE, SMALLEST_SIDE
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT, ImageRequest

STRING, INTEGER, BOOLEAN, NUMBER = 3, 4, 5, 10
Payload = dict[str, Any]


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[EaselBot]:
    """The real bot with all its cogs, signed in nowhere."""

    async def recall(_: str) -> str | None:
        return None

    async def remember(_: str, __: str) -> None:
        return None

    environment = Environment.model_construct(
        **{name: field.default for name, field in Environment.model_fields.items()}
    )
    studio = SimpleNamespace(subscribe=lambda _: None)
    opened = EaselBot(cast(Any, studio), Memory(recall, remember), environment)
    yield opened
    await opened.close()


@pytest.fixture
def commands(bot: EaselBot) -> list[Payload]:
    """What `bot.client` sends to Discord, as JSON."""
    wanted = [c.to_dict() for c in bot.pending_application_commands]
    return cast(list[Payload], json.loads(json.dumps(wanted, default=list)))


@pytest.fixture
def draw(commands: list[Payload]) -> dict[str, Payload]:
    """The options of /draw by name."""
    (command,) = [c for c in commands if c["name"] == "draw"]
    return {o["name"]: o for o in command["options"]}


async def test_discord_takes_them_all(commands: list[Payload]) -> None:
    check_commands(commands)
    assert "draw" in [c["name"] for c in commands]


async def test_only_the_prompt_is_required_and_comes_first(draw: dict[str, Payload]) -> None:
    assert next(iter(draw)) == "prompt"
    assert [name for name, o in draw.items() if o.get("required")] == ["prompt"]


async def test_every_option_of_an_order_can_be_typed(draw: dict[str, Payload]) -> None:
    assert set(draw) == set(DrawOptions.__dataclass_fields__) | {"private", "spoiler"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(n, STRING) for n in ("prompt", "negative_prompt", "model", "size")],
        *[(n, STRING) for n in ("sampler", "scheduler", "style", "lora", "vae", "extra")],
        *[(n, STRING) for n in ("hires_upscaler", "face_restoration")],
        *[(n, INTEGER) for n in ("width", "height", "steps", "seed", "count", "clip_skip")],
        *[(n, NUMBER) for n in ("cfg_scale", "hires", "hires_strength")],
        *[(n, BOOLEAN) for n in ("private", "spoiler", "tiling")],
    ],
)
async def test_each_has_its_type(draw: dict[str, Payload], name: str, kind: int) -> None:
    assert draw[name]["type"] == kind


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("width", SMALLEST_SIDE, LARGEST_SIDE),
        ("height", SMALLEST_SIDE, LARGEST_SIDE),
        ("cfg_scale", 0, LARGEST_CFG),
        ("seed", -1, SEED_LIMIT - 1),
        ("steps", 1, Limits().max_steps),
    ],
)
async def test_each_bound_is_the_products_own(
    draw: dict[str, Payload], name: str, low: float, high: float
) -> None:
    assert (draw[name]["min_value"], draw[name]["max_value"]) == (low, high)


async def test_the_lengths_of_the_prompts_are_the_products_own(draw: dict[str, Payload]) -> None:
    assert (draw["prompt"]["min_length"], draw["prompt"]["max_length"]) == (1, PROMPT_LIMIT)
    assert draw["negative_prompt"]["max_length"] == PROMPT_LIMIT


@pytest.mark.parametrize(("option", "limit"), [("steps", "max_steps"), ("count", "max_count")])
async def test_every_ceiling_that_an_operator_may_set_can_be_typed(
    draw: dict[str, Payload], option: str, limit: str
) -> None:
    """A ceiling in easel.yaml that Discord would not let anybody reach says more than it does."""
    (highest,) = [
        m.le for m in Limits.model_fields[limit].metadata if getattr(m, "le", None) is not None
    ]
    assert draw[option]["max_value"] == highest


@pytest.mark.parametrize(
    ("option", "field"), [("steps", "steps"), ("count", "count"), ("cfg_scale", "cfg_scale")]
)
async def test_what_discord_lets_through_fits_into_a_request(
    draw: dict[str, Payload], option: str, field: str
) -> None:
    (highest,) = [
        m.le
        for m in ImageRequest.model_fields[field].metadata
        if getattr(m, "le", None) is not None
    ]
    assert draw[option]["max_value"] <= highest


async def test_the_shapes_are_those_that_families_know(draw: dict[str, Payload]) -> None:
    assert [c["value"] for c in draw["size"]["choices"]] == [a.value for a in Aspect]


async def test_long_lists_are_completed_as_one_types(draw: dict[str, Payload]) -> None:
    completed = {name for name, o in draw.items() if o.get("autocomplete")}
    assert completed == {
        *("model", "sampler", "scheduler", "style", "lora", "vae"),
        *("hires_upscaler", "face_restoration"),
    }


async def test_a_command_has_room_for_all_of_its_options(commands: list[Payload]) -> None:
    """Discord takes 25 (contracts, discord 8)."""
    assert max(len(c.get("options", ())) for c in commands) <= 25


async def test_every_option_says_in_a_sentence_what_it_is_for(commands: list[Payload]) -> None:
    slash = [c for c in commands if c.get("type", 1) == 1]
    for command in slash:
        for part in (command, *command["options"]):
            assert part["description"].endswith("."), part["name"]
            assert part["description"] != "No description provided"


async def test_the_bot_asks_for_what_it_uses_and_never_for_administrator(bot: EaselBot) -> None:
    assert not PERMISSIONS.administrator
    bot._connection.application_id = 42
    link = bot.invite()
    assert "client_id=42" in link
    assert f"permissions={PERMISSIONS.value}" in link
    assert "bot" in link
    assert "applications.commands" in link


async def test_it_listens_to_nothing_that_needs_a_review(bot: EaselBot) -> None:
    """No privileged intent (contracts, discord 8): the bot reads no messages."""
    assert bot.intents.value == 1
