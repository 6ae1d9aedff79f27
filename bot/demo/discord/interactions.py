"""Interactions: what was dispatched, whether it was answered, how long its token lives.

The rules of time and of "exactly one first answer" are kept here (contract, section 4 no. 7 and
section 8 "Interactions").
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Literal

from bot.demo.discord import errors
from bot.demo.discord.clock import Clock
from bot.demo.discord.messages import Message
from bot.demo.discord.people import Channel, User
from bot.demo.discord.wire import Json

FIRST_ANSWER_SECONDS = 3.0
TOKEN_SECONDS = 15 * 60.0
USER_INSTALL_FOLLOWUPS = 5

Outcome = Literal["message", "deferred", "update", "deferred_update", "choices", "modal", "failed"]


@dataclass(frozen=True)
class FirstAnswer:
    """What the member's client saw first."""

    outcome: Outcome
    message: Message | None = None
    choices: list[Json] | None = None
    modal: Json | None = None


@dataclass
class Interaction:
    """One interaction from dispatch to the end of its token. `started` is clock seconds;
    `original` is the message that `@original` means."""

    id: str
    token: str
    type: int
    user: User
    channel: Channel
    started: float
    upload_limit: int
    user_install_only: bool
    payload: Json
    first: asyncio.Future[FirstAnswer]
    source: Message | None = None
    answered: bool = False
    original: Message | None = None
    followups: int = 0
    messages: dict[str, Message] = field(default_factory=dict)

    def own(self, message: Message) -> None:
        """From now on the token may touch this message."""
        self.messages[message.id] = message


class InteractionStore:
    """Finds interactions by id or token and says what may still be done with them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def open(self, interaction: Interaction) -> None:
        self._forget_ended()
        self._by_id[interaction.id] = interaction
        self._by_token[interaction.token] = interaction

    @property
    def last(self) -> Interaction | None:
        return next(reversed(self._by_id.values()), None)

    def to_answer(self, interaction_id: str, token: str) -> Interaction:
        """The interaction that a callback means, if it may still be answered.

        Raises:
            Refusal: 10062 (unknown, or over 3 seconds), 40060 (already answered).
        """
        found = self._by_id.get(interaction_id)
        if found is None or not secrets.compare_digest(found.token, token):
            raise errors.unknown_interaction()
        if found.answered:
            raise errors.already_acknowledged()
        if self._clock.now() - found.started > FIRST_ANSWER_SECONDS:
            raise errors.unknown_interaction()
        return found

    def answer(self, interaction: Interaction, answer: FirstAnswer) -> None:
        interaction.answered = True
        if not interaction.first.done():
            interaction.first.set_result(answer)

    def by_token(self, token: str) -> Interaction:
        """The interaction whose token edits and follows up.

        Raises:
            Refusal: 10015 (unknown, or never answered), 50027 (over 15 minutes).
        """
        found = self._by_token.get(token)
        if found is None:
            raise errors.unknown_webhook()
        if self._clock.now() - found.started > TOKEN_SECONDS:
            raise errors.token_ended()
        if not found.answered:
            raise errors.unknown_webhook()
        return found

    def count_followup(self, interaction: Interaction) -> None:
        """Raises:
        Refusal: 40094 for the sixth of a user-installed app outside its servers.
        """
        if interaction.user_install_only and interaction.followups >= USER_INSTALL_FOLLOWUPS:
            raise errors.too_many_followups()
        interaction.followups += 1

    def fail_late(self) -> None:
        """Tell those who wait for an answer that can no longer come."""
        for interaction in self._by_id.values():
            if self._clock.now() - interaction.started > FIRST_ANSWER_SECONDS:
                give_up(interaction)

    def _forget_ended(self) -> None:
        """Drop what ended more than an hour ago; ids come in order of time."""
        while (old := next(iter(self._by_id.values()), None)) is not None:
            if self._clock.now() - old.started < TOKEN_SECONDS + 3600:
                return
            del self._by_id[old.id], self._by_token[old.token]


def give_up(interaction: Interaction) -> None:
    """The member's client stops waiting: "The application did not respond"."""
    if not interaction.first.done():
        interaction.first.set_result(FirstAnswer("failed"))


def new_token() -> str:
    return secrets.token_urlsafe(48)
