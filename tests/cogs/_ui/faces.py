"""Every face of a request's message, and what is read on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.queue.job import Place
from bot.values.picture import Progress
from cogs._ui import cards
from cogs._ui.cards import Card
from tests.cogs.samples import job, picture


def text_of(card: Card) -> str:
    return card.embed.description or ""


def footer_of(card: Card) -> str:
    return card.embed.footer.text if card.embed.footer and card.embed.footer.text else ""


def labels(card: Card) -> list[str]:
    if card.view is None:
        return []
    return [b["label"] for row in card.view.to_components() for b in row["components"]]


# Every face that shows a prompt, by its name.
FACES: dict[str, Callable[[str], Card]] = {
    "waiting": lambda p: cards.waiting(job(p), Place(3, 40.0)),
    "waiting in trouble": lambda p: cards.waiting(job(p), Place(1, None), "The server is away."),
    "begun": lambda p: cards.drawing(job(p), None),
    "drawing": lambda p: cards.drawing(job(p), Progress(0.6, 12, 20, 9.0, b"a sketch")),
    "stopping": lambda p: cards.drawing(job(p), None, stopping=True),
    "parked": lambda p: cards.parked(job(p)),
    "done": lambda p: cards.done(
        job(p),
        [picture(remark="The server painted with another sampler, Euler."), picture(986)],
        source=f"https://discord.com/channels/{2**63}/{2**63}/{2**63}",
        note="⚠️ Saved in a smaller form: Discord takes 10 MiB here.",
    ),
    "failed": lambda p: cards.failed(job(p, error_sentence="It broke.", error_ref="4f2a")),
    "cancelled": lambda p: cards.cancelled(job(p)),
    "cancelled half-way": lambda p: cards.cancelled(job(p), [picture()], note="⚠️ Saved."),
}
every_face = pytest.mark.parametrize("face", FACES.values(), ids=FACES)
