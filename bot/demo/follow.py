"""When a line of a play is done, and whether it ended well.

A line's message is done when it is not loading, offers no Cancel and has rested for a moment.
A press may be answered by another message; then that one counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.controls import components_of, offers_cancel
from bot.demo.member import Member, Outcome
from bot.demo.say import Json


@dataclass(frozen=True)
class Patience:
    """`timeout` and `settle` in seconds; `error_colour` as Discord's 0xRRGGBB."""

    error_colour: int
    timeout: float = 120.0
    settle: float = 0.5


@dataclass(frozen=True)
class Act:
    """An interaction that the bot has answered for the first time.

    `pressed_id` is the message that was acted on; `sent` and `answered` are loop times.
    """

    outcome: Outcome
    channel_id: str
    pressed_id: str | None
    sent: float
    answered: float

    @property
    def target(self) -> str | None:
        """The message that the act leads to, as far as the first answer tells."""
        return self.outcome.message_id or self.pressed_id


@dataclass(frozen=True)
class Ending:
    """How it ended; `seconds` from sending to the last change of `message` (None: deleted)."""

    ok: bool
    reason: str | None
    message: Json | None
    seconds: float


async def follow(
    member: Member, act: Act, patience: Patience, turn_to: Callable[[str], None]
) -> Ending:
    """Waits until the act's message is done; `turn_to(id)` tells when another one counts."""
    loop = asyncio.get_running_loop()
    deadline = act.sent + patience.timeout
    target = act.target
    while True:
        reply = _reply(member, act, target)
        if reply and reply != target:
            target = reply
            turn_to(reply)
        pending = _pending(member, target)
        rested_at = max(act.answered, member.changed_at(target))
        left = rested_at + patience.settle - loop.time()
        if pending is None and left <= 0:
            message = member.message(target)
            # A card that was red before the press is no answer to it.
            fresh = message if member.changed_at(target) >= act.sent else None
            wrong = error_text(fresh, patience.error_colour) if fresh else None
            return Ending(wrong is None, wrong, message, rested_at - act.sent)
        waited = loop.time() - act.sent
        if loop.time() >= deadline:
            reason = f"Not done after {patience.timeout:g} s: {pending or 'it still changes'}."
            return Ending(False, reason, member.message(target), waited)
        if member.closed:
            reason = "The page closed its events."
            return Ending(False, reason, member.message(target), waited)
        await member.news(min(deadline - loop.time(), patience.timeout if pending else left))


def _reply(member: Member, act: Act, target: str | None) -> str | None:
    """The bot's newest message in answer to a press, if the pressed message is not the answer."""
    if act.outcome.kind not in ("update", "deferred_update") and not member.is_gone(target):
        return None
    replies = [
        message["id"]
        for message in member.messages(act.channel_id)
        if member.by_bot(message)
        and member.first_seen(message["id"]) >= act.sent
        and _answers(message, act)
    ]
    return replies[-1] if replies else None


def _answers(message: Json, act: Act) -> bool:
    metadata = message.get("interaction_metadata") or {}
    reference = message.get("message_reference") or {}
    return metadata.get("id") == act.outcome.interaction_id or (
        act.pressed_id is not None and reference.get("message_id") == act.pressed_id
    )


def _pending(member: Member, target: str | None) -> str | None:
    """Why the message is not done, or None."""
    if target is None or member.is_gone(target):
        return None
    message = member.message(target)
    if message is None:
        return "its message never came"
    if message.get("loading"):
        return "it is still loading"
    return "it still offers Cancel" if offers_cancel(message) else None


def error_text(message: Json, error_colour: int) -> str | None:
    """What an answer in the error colour says; None if it is not one."""
    for embed in message.get("embeds") or ():
        if embed.get("color") == error_colour:
            said = (embed.get("title"), embed.get("description"), message.get("content"))
            return " ".join(text for text in said if text) or "An answer in the error colour."
    for container in components_of(message):
        if container.get("accent_color") == error_colour:
            inner = components_of({"components": container.get("components")})
            texts = [item["content"] for item in inner if item.get("content")]
            return " ".join(texts) or "An answer in the error colour."
    return None
