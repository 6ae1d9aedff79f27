"""Any error becomes one kind, private sentence, and the log knows the rest."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.errors import (
    BackendRejectedCredentials,
    BadOption,
    DatabaseUnavailable,
    EaselError,
    Gone,
    NotAllowed,
    QueueFull,
)
from bot.values.look import ERROR_COLOUR
from cogs._ui.trouble import explain
from tests.cogs._ui.test_post import said

SECRET = "/srv/webui/models and {json}"


class Interaction:
    """A member's interaction: answered already or not, and whether Discord takes words."""

    def __init__(self, *, answered: bool = False, refuses: Exception | None = None) -> None:
        self.user: Any = SimpleNamespace(id=1001)
        self.response = SimpleNamespace(is_done=lambda: answered, send_message=self._first)
        self.followup = SimpleNamespace(send=self._later)
        self._refuses = refuses
        self.sent: list[tuple[str, discord.Embed, bool]] = []

    async def _first(self, *, embed: discord.Embed, ephemeral: bool) -> None:
        self._note("first", embed, ephemeral)

    async def _later(self, *, embed: discord.Embed, ephemeral: bool) -> None:
        self._note("later", embed, ephemeral)

    def _note(self, how: str, embed: discord.Embed, ephemeral: bool) -> None:
        if self._refuses is not None:
            raise self._refuses
        self.sent.append((how, embed, ephemeral))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO):
        yield caplog


async def explained(error: BaseException, interaction: Interaction | None = None) -> discord.Embed:
    """The one card that the member sees; it is private and in the error colour."""
    asked = interaction or Interaction()
    await explain(cast(Any, asked), error)
    ((_, embed, ephemeral),) = asked.sent
    assert ephemeral
    assert embed.colour is not None
    assert embed.colour.value == ERROR_COLOUR
    return embed


def number(embed: discord.Embed) -> str | None:
    """The number at the card's foot."""
    footer = embed.footer.text if embed.footer else None
    found = re.fullmatch(r"error ([0-9a-f]{4})", footer or "")
    return found[1] if found else None


REFUSALS = [
    BadOption("steps", "`steps` can be 1 to 150 here, not 151."),
    QueueFull("The line is full right now."),
    NotAllowed("Only Ada or a moderator can do that."),
    Gone("That picture is finished already."),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=[type(r).__name__ for r in REFUSALS])
async def test_a_refusal_says_its_sentence_without_a_number(
    refusal: Any, lines: pytest.LogCaptureFixture
) -> None:
    embed = await explained(refusal)
    assert embed.description == refusal.sentence
    assert number(embed) is None
    (line,) = lines.records
    assert line.levelno == logging.INFO, "a refusal is nobody's fault"
    assert refusal.code in line.getMessage()
    assert "1001" in line.getMessage()


@pytest.mark.parametrize("error", [DatabaseUnavailable, BackendRejectedCredentials])
async def test_our_own_errors_are_kind_and_numbered(
    error: type[EaselError], lines: pytest.LogCaptureFixture
) -> None:
    embed = await explained(error(SECRET))
    assert embed.description == error.default_sentence
    ref = number(embed)
    assert ref is not None
    (line,) = lines.records
    assert line.levelno == logging.ERROR
    assert ref in line.getMessage()
    assert SECRET in line.getMessage()


@pytest.mark.parametrize("error", [ZeroDivisionError(SECRET), KeyError(SECRET), ValueError(SECRET)])
async def test_what_nobody_foresaw_says_no_more_than_that_and_its_number(
    error: Exception, lines: pytest.LogCaptureFixture
) -> None:
    embed = await explained(error)
    assert embed.description == EaselError.default_sentence
    assert SECRET not in str(embed.to_dict())
    ref = number(embed)
    assert ref is not None
    log = "\n".join(r.getMessage() for r in lines.records)
    assert ref in log
    assert type(error).__name__ in log or any(r.exc_info for r in lines.records)


async def test_py_cords_wrapping_is_taken_off() -> None:
    wrapped = discord.ApplicationCommandInvokeError(QueueFull("The line is full."))
    assert (await explained(wrapped)).description == "The line is full."
    broken = discord.ApplicationCommandInvokeError(ZeroDivisionError(SECRET))
    assert (await explained(broken)).description == EaselError.default_sentence


async def test_the_first_answer_is_used_while_there_is_none() -> None:
    first, later = Interaction(), Interaction(answered=True)
    await explained(QueueFull("full"), first)
    await explained(QueueFull("full"), later)
    assert first.sent[0][0] == "first"
    assert later.sent[0][0] == "later"


@pytest.mark.parametrize("code", [10062, 40060])
async def test_too_late_or_said_twice_nobody_is_left_to_be_told(
    code: int, lines: pytest.LogCaptureFixture
) -> None:
    interaction = Interaction()
    await explain(cast(Any, interaction), said(404 if code == 10062 else 400, code))
    assert interaction.sent == []
    assert [r.levelno for r in lines.records] == [logging.WARNING]


async def test_other_words_of_discord_are_unexpected_and_numbered() -> None:
    assert number(await explained(said(400, 50035))) is not None


@pytest.mark.parametrize(
    "refuses",
    [
        said(404, 10062),
        said(500),
        aiohttp.ServerDisconnectedError(),
        ConnectionResetError(),
        TimeoutError(),
        discord.InteractionResponded(cast(Any, SimpleNamespace(id=1))),
    ],
)
async def test_explaining_never_raises(refuses: Exception, lines: pytest.LogCaptureFixture) -> None:
    await explain(cast(Any, Interaction(refuses=refuses)), QueueFull("full"))
    assert "could not tell the member" in lines.text


async def test_somebody_unknown_is_told_as_well() -> None:
    interaction = Interaction()
    interaction.user = None
    assert (await explained(QueueFull("full"), interaction)).description == "full"


async def test_two_errors_have_two_numbers() -> None:
    assert len({number(await explained(DatabaseUnavailable())) for _ in range(20)}) > 10
