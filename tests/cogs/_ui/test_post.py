"""Discord's refusals in our words, and the ways to a message in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.queue.job import Place
from bot.values.guest import Address
from cogs._ui import cards
from cogs._ui.cards import Card
from cogs._ui.post import Outcome, Postman, Upload, _fields, _files, _meaning
from tests.cogs.samples import address, job


@dataclass
class Response:
    """As much of an HTTP response as py-cord's errors look at."""

    status: int
    reason: str = "because"
    headers: dict[str, str] = field(default_factory=dict)


def said(status: int, code: int = 0) -> discord.HTTPException:
    """What py-cord raises for an answer of Discord's."""
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    kind = kinds.get(status, discord.DiscordServerError if status >= 500 else discord.HTTPException)
    return kind(cast(Any, Response(status)), {"code": code, "message": "no"})


# -- what a refusal means --------------------------------------------------------------------------

MEANINGS = [
    # The table of the design, "One request, one message", and contracts, discord 8.
    (404, 10008, Outcome.GONE),
    (400, 30046, Outcome.TOO_OFTEN),
    (413, 40005, Outcome.TOO_LARGE),
    (400, 40005, Outcome.TOO_LARGE),
    (413, 0, Outcome.TOO_LARGE),
    (401, 50027, Outcome.NO_WAY),  # the token has ended
    (404, 10015, Outcome.NO_WAY),
    (404, 10062, Outcome.NO_WAY),
    (400, 50083, Outcome.NO_WAY),  # archived
    (404, 10003, Outcome.NO_WAY),
    (403, 50001, Outcome.NO_WAY),
    (403, 50013, Outcome.NO_WAY),
    (403, 50007, Outcome.NO_WAY),  # closed direct messages
    (400, 50278, Outcome.NO_WAY),
    (403, 0, Outcome.NO_WAY),
    (404, 0, Outcome.NO_WAY),
    (429, 0, Outcome.LATER),
    (500, 0, Outcome.LATER),
    (502, 0, Outcome.LATER),
    (503, 0, Outcome.LATER),
]


@pytest.mark.parametrize(("status", "code", "outcome"), MEANINGS)
def test_every_refusal_has_its_meaning(status: int, code: int, outcome: Outcome) -> None:
    assert _meaning(said(status, code)) is outcome


# -- the ways --------------------------------------------------------------------------------------


class Walker(Postman):
    """A postman whose two ways end as the test says, and who notes the ways taken."""

    def __init__(self, token: Any = None, channel: Any = None) -> None:
        super().__init__(cast(Any, None))
        self._ends = {"token": token, "channel": channel}
        self.walked: list[str] = []

    async def _walk(self, way: str) -> None:
        self.walked.append(way)
        if self._ends[way] is not None:
            raise self._ends[way]

    async def _by_token(self, address: Address, card: Card, files: Sequence[Upload]) -> None:
        await self._walk("token")

    async def _by_channel(self, address: Address, card: Card, files: Sequence[Upload]) -> None:
        await self._walk("channel")


async def walk(postman: Walker, **where: Any) -> Outcome:
    return await postman.edit(address(**where), cards.waiting(job(), _NEXT))


_NEXT = Place(1, None)


async def test_while_the_token_lives_it_is_the_way() -> None:
    postman = Walker()
    assert await walk(postman) is Outcome.DONE
    assert postman.walked == ["token"]


async def test_afterwards_the_message_is_edited_through_its_channel() -> None:
    postman = Walker()
    assert await walk(postman, expires_at=0.0) is Outcome.DONE
    assert postman.walked == ["channel"]


async def test_a_token_that_ended_early_leaves_the_channel() -> None:
    postman = Walker(token=said(401, 50027))
    assert await walk(postman) is Outcome.DONE
    assert postman.walked == ["token", "channel"]


@pytest.mark.parametrize(
    "where",
    [{"private": True}, {"reachable": False}, {"message_id": None}, {"channel_id": None}],
    ids=["private", "installed by a user only", "never landed", "nowhere"],
)
async def test_what_only_its_token_can_reach_never_goes_by_channel(where: dict[str, Any]) -> None:
    """A private picture never goes to a public channel."""
    for expires_at, walked in ((0.0, []), (9e9, ["token"])):
        postman = Walker(token=said(401, 50027))
        assert await walk(postman, expires_at=expires_at, **where) is Outcome.NO_WAY
        assert postman.walked == walked


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (said(404, 10008), Outcome.GONE),
        (said(413, 40005), Outcome.TOO_LARGE),
        (said(500), Outcome.LATER),
        (aiohttp.ServerDisconnectedError(), Outcome.LATER),
        (ConnectionResetError(), Outcome.LATER),
        (TimeoutError(), Outcome.LATER),
    ],
)
async def test_other_trouble_on_the_first_way_does_not_try_the_second(
    trouble: Exception, outcome: Outcome
) -> None:
    """The first try may have been taken: the same way again changes nothing twice."""
    postman = Walker(token=trouble)
    assert await walk(postman) is outcome
    assert postman.walked == ["token"]


async def test_a_fault_of_our_own_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        await walk(Walker(token=ZeroDivisionError()))


# -- what is sent ----------------------------------------------------------------------------------


async def test_a_card_is_sent_whole_and_pings_nobody() -> None:
    fields = _fields(cards.waiting(job("<@5> @everyone"), _NEXT))
    assert fields["allowed_mentions"] == {"parse": []}
    assert len(fields["embeds"]) == 1
    assert fields["components"][0]["components"][0]["custom_id"] == "job:7:cancel"
    # An edit takes buttons away by saying that there are none.
    assert _fields(cards.refusal("No."))["components"] == []


def test_files_carry_name_bytes_and_alt_text() -> None:
    (file,) = _files([Upload("a-cat-7.png", b"data", "a cat")])
    assert (file.filename, file.description, file.fp.read()) == ("a-cat-7.png", "a cat", b"data")
    assert not file.spoiler


def test_a_spoiler_is_marked_as_one() -> None:
    (file,) = _files([Upload("a-cat-7.png", b"data", "a cat", spoiler=True)])
    assert file.filename == "SPOILER_a-cat-7.png"
