"""A real py-cord bot on the stand-in: signs in, answers, resumes, waits out a 429, goes home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.demo.discord import DiscordStandIn
from tests.bot.demo.discord.raw_bot import TOKEN, Json, png


class Painter(discord.Bot):
    """One slash command with suggestions, one button, one modal."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            cache_default_sounds=False,
            guild_ready_timeout=0.05,
        )
        self.resumed = asyncio.Event()
        self.made_ready = asyncio.Event()

        @self.slash_command(description="Paint a picture")
        @discord.option("what", str, description="what to paint", autocomplete=suggest)
        async def paint(context: discord.ApplicationContext, what: str) -> None:
            await context.defer()
            embed = discord.Embed(title=what).set_image(url="attachment://picture.png")
            view = discord.ui.View(discord.ui.Button(label="Again", custom_id="again"), store=False)
            file = discord.File(BytesIO(png()), "picture.png", description="a picture")
            await context.edit(content=None, embed=embed, file=file, view=view)

        @self.slash_command(description="Wait a little")
        async def wait(context: discord.ApplicationContext) -> None:
            await context.respond("1", ephemeral=True)
            await context.edit(content="2")

        @self.listen("on_interaction")
        async def pressed(interaction: discord.Interaction) -> None:
            if interaction.custom_id == "again":
                modal = discord.ui.Modal(
                    discord.ui.InputText(label="What", custom_id="what"), title="Again"
                )
                modal.custom_id = "again-modal"
                await interaction.response.send_modal(modal)
            elif interaction.custom_id == "again-modal":
                await interaction.response.edit_message(content=filled_in(interaction))

    async def on_resumed(self) -> None:
        self.resumed.set()

    async def on_ready(self) -> None:
        self.made_ready.set()


def filled_in(interaction: discord.Interaction) -> str:
    """The text of a modal's first field."""
    data: Any = interaction.data
    return str(data["components"][0]["components"][0]["value"])


def suggest(context: discord.AutocompleteContext) -> list[str]:
    return [word for word in ("a fox", "a finch", "a bear") if word.startswith(context.value)]


@pytest.fixture
def redirected(stand_in: DiscordStandIn) -> Iterator[None]:
    """py-cord's one official switch for another address."""
    before = discord.http.Route.API_BASE_URL
    discord.http.Route.API_BASE_URL = stand_in.api_url + "/v{API_VERSION}"
    yield
    discord.http.Route.API_BASE_URL = before


@pytest.fixture
async def painter(stand_in: DiscordStandIn, redirected: None) -> AsyncIterator[Painter]:
    bot = Painter()
    running = asyncio.create_task(bot.start(TOKEN))
    await stand_in.wait_for_bot()
    yield bot
    await go_home(bot, running)


async def go_home(bot: Painter, running: asyncio.Task[None]) -> None:
    """py-cord closes its HTTP session before its socket, and may stumble over that."""
    await bot.close()
    with suppress(RuntimeError):
        await asyncio.wait_for(running, 5)


def paint(what: str = "a fox", kind: int = 2, **more: object) -> Json:
    option = {"name": "what", "type": 3, "value": what, **more}
    data = {"name": "paint", "type": 1, "options": [option]}
    return {"user": "ada", "channel": "easel", "type": kind, "data": data}


async def finished(stand_in: DiscordStandIn) -> Json:
    """The last message, once it no longer loads."""
    await stand_in.wait_for(lambda: not stand_in.messages("easel")[-1]["loading"])
    return stand_in.messages("easel")[-1]


async def test_it_signs_in_and_registers_its_commands(
    stand_in: DiscordStandIn, painter: Painter
) -> None:
    await asyncio.wait_for(painter.made_ready.wait(), 5)
    assert painter.user is not None
    assert painter.user.name == "easel"
    (guild,) = painter.guilds
    assert guild.name == "Easel Studio"
    assert guild.me.guild_permissions.attach_files
    assert [command["name"] for command in stand_in.world.commands.all(None)] == ["paint", "wait"]
    channel = painter.get_channel(int(stand_in.world.channel("gallery").id))
    assert isinstance(channel, discord.TextChannel)
    sent = await channel.send("hello", nonce="n", enforce_nonce=True)
    assert (await channel.fetch_message(sent.id)).content == "hello"


async def test_a_command_becomes_a_picture_in_an_embed(
    stand_in: DiscordStandIn, painter: Painter
) -> None:
    told = await stand_in.interact(paint())
    assert told["outcome"] == "deferred"
    message = await finished(stand_in)
    assert message["id"] == told["message_id"]
    assert message["attachments"] == []
    assert (message["embeds"][0]["title"], message["embeds"][0]["image"]["width"]) == ("a fox", 40)
    assert message["components"][0]["components"][0]["custom_id"] == "again"


async def test_suggestions_buttons_and_modals(stand_in: DiscordStandIn, painter: Painter) -> None:
    told = await stand_in.interact(paint("a f", kind=4, focused=True))
    assert [choice["name"] for choice in told["choices"]] == ["a fox", "a finch"]
    await stand_in.interact(paint())
    message = await finished(stand_in)
    press = {"custom_id": "again", "component_type": 2}
    told = await stand_in.interact(
        {
            "user": "ada",
            "channel": "easel",
            "type": 3,
            "message": message["id"],
            "data": press,
        }
    )
    assert told["modal"]["title"] == "Again"
    field = {"type": 4, "custom_id": "what", "value": "a bear"}
    filled = {"custom_id": "again-modal", "components": [{"type": 1, "components": [field]}]}
    told = await stand_in.interact({"user": "ada", "channel": "easel", "type": 5, "data": filled})
    assert told["outcome"] == "update"
    assert stand_in.messages("easel")[-1]["content"] == "a bear"


async def test_it_resumes_and_loses_no_interaction(
    stand_in: DiscordStandIn, painter: Painter
) -> None:
    await stand_in.drop_gateway(4000)
    told = await stand_in.interact(paint())
    assert told["outcome"] == "deferred"
    await asyncio.wait_for(painter.resumed.wait(), 5)
    assert (stand_in.gateway.identified, stand_in.gateway.resumed) == (1, 1)
    await finished(stand_in)


async def test_it_waits_out_a_429_and_tries_again(
    stand_in: DiscordStandIn, painter: Painter
) -> None:
    stand_in.faults.fail("@original", method="PATCH", status=429, retry_after=0.05)
    await stand_in.interact({**paint(), "data": {"name": "wait", "type": 1}})
    await stand_in.wait_for(lambda: stand_in.messages("easel")[-1]["content"] == "2")
    statuses = [line["status"] for line in stand_in.recorder.responses]
    assert statuses[-2:] == [429, 200]


async def test_it_goes_home_and_leaves_nothing_behind(
    stand_in: DiscordStandIn, redirected: None, tmp_path: Path
) -> None:
    before = asyncio.all_tasks()
    bot = Painter()
    running = asyncio.create_task(bot.start(TOKEN))
    await stand_in.wait_for_bot()
    await asyncio.wait_for(bot.made_ready.wait(), 5)
    await stand_in.interact(paint())
    await finished(stand_in)
    await go_home(bot, running)
    await stand_in.wait_for(lambda: not stand_in.world.bot_online)
    await stand_in.wait_for(lambda: asyncio.all_tasks() <= before)


async def test_a_wrong_token_is_refused(stand_in: DiscordStandIn, redirected: None) -> None:
    bot = Painter()
    with pytest.raises(discord.LoginFailure):
        await bot.start("wrong")
    await bot.close()
