"""The faces of a request's one message: waiting, drawing, done, failed, cancelled, refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.errors import BackendFailed, BackendRefused
from bot.guilds import Scope
from bot.queue.job import Job, Place
from bot.values.look import CALM_COLOUR, DONE_COLOUR, ERROR_COLOUR, QUIET_COLOUR
from bot.values.picture import Picture, Progress
from bot.values.request import ImageRequest
from cogs._ui.buttons import Action, row

SHOWN_PROMPT = 300
"""Characters of a prompt on a card; the whole of it stands in the picture's infotext."""
SHOWN_NAME = 200
"""Characters of one fact in the quiet line: servers name their models as they like."""
SHOWN_REMARKS = 600
BAR = 10
PREVIEW = "preview.jpg"
"""The name under which a preview is attached to the card that shows it."""
_MARKDOWN = re.compile(r"([\\*_~`|<@\[\]])")
_WHO = {
    Scope.MEMBER: "You now draw",
    Scope.CHANNEL: "This channel now draws",
    Scope.SERVER: "This server now draws",
}
_BACK = {
    Scope.MEMBER: "You draw with what is chosen here.",
    Scope.CHANNEL: "This channel draws with what the server has chosen.",
    Scope.SERVER: "This server draws with the model that is loaded.",
}
_BROKE = {
    "describe": "The image server can't describe this picture just now. Please try again.",
    "upscale": "The image server can't make this picture larger just now. Please try again.",
    "load": "The image server can't load this model just now. Please try again.",
}
"""What failed, where nothing was painted."""
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows them, the member's name included."""


@dataclass(frozen=True)
class Card:
    """What a message shows beside its pictures."""

    embed: discord.Embed
    view: discord.ui.View | None = None


def waiting(job: Job, place: Place, trouble: str | None = None, *, passed: bool = False) -> Card:
    """In line: the prompt, the place, about how long. `passed`: others have gone ahead of it."""
    if place.beyond:
        where = f"{place.position}+ in line"
    else:
        where = "next in line" if place.position == 1 else f"{ordinal(place.position)} in line"
    if place.eta_seconds is not None and not trouble:
        where += f", about {duration(place.eta_seconds)}"
    text = f"🎨 {_title(job.request)}"
    if trouble:
        text += f"\n⚠️ {trouble}"
    elif passed:
        text += "\nTurns go round among servers and members, and somebody came in between."
    embed = discord.Embed(description=text, colour=CALM_COLOUR)
    embed.set_footer(text=_joined(job.request.model, where))
    return Card(embed, row(job.id, Action.CANCEL))


def drawing(job: Job, progress: Progress | None, *, stopping: bool = False) -> Card:
    """Being painted: a calm bar, the step, the rest, and the preview attached as `PREVIEW`.

    `stopping`: it is cancelled already, and only what is finished is still awaited.
    """
    text = f"🎨 {_title(job.request)}"
    if stopping:
        state = "stopping"
    elif progress is None or progress.fraction <= 0:
        state = "loading" if job.request.kind == "load" else "drawing"
        if progress is not None and progress.note:
            text += f"\n☕ {progress.note[:1].upper()}{progress.note[1:]}."
        if progress is not None and progress.eta_seconds is not None:
            state += f", about {duration(progress.eta_seconds)} left"
    else:
        filled = min(BAR, round(progress.fraction * BAR))
        text += f"\n{'▓' * filled}{'░' * (BAR - filled)}"
        if progress.step is not None and progress.steps is not None:
            text += f" {progress.step} / {progress.steps}"
        state = f"{progress.fraction * 100:.0f} percent"
        if progress.eta_seconds is not None:
            state += f", {duration(progress.eta_seconds)} left"
    embed = discord.Embed(description=text, colour=CALM_COLOUR)
    embed.set_footer(text=_joined(job.request.model, state))
    if progress is not None and progress.preview is not None:
        embed.set_image(url=f"attachment://{PREVIEW}")
    return Card(embed, row(job.id, Action.CANCEL))


def parked(job: Job) -> Card:
    """A private card whose token is about to end: only a press can keep it alive."""
    embed = discord.Embed(
        description=f"⏳ {_title(job.request)}\nStill in line. Discord lets me change this "
        "private message for 15 minutes only: press **Keep waiting** and I go on here. "
        "Otherwise I send you the picture as a direct message.",
        colour=CALM_COLOUR,
    )
    return Card(embed, row(job.id, Action.KEEP, Action.CANCEL))


def done(
    job: Job, pictures: Sequence[Picture], *, source: str | None = None, note: str | None = None
) -> Card:
    """Finished: who asked, and one quiet line of facts. `source` is a link to the parent."""
    text = f"{_title(job.request)} — <@{job.guest.user_id}>"
    if source:
        text += f"\nfrom [this one]({source})"
    text += _notes(pictures, note)
    embed = discord.Embed(description=text, colour=DONE_COLOUR)
    embed.set_footer(text=_facts(job, pictures))
    # A source is not kept after its picture was delivered: only words can be drawn again.
    again = () if job.request.begins_with_picture else (Action.AGAIN,)
    return Card(embed, row(job.id, *again, Action.DELETE))


def described(job: Job) -> Card:
    """The words that would draw a picture like the guest's."""
    words = plain(clipped(job.outcome or "", 1500))
    embed = discord.Embed(
        title="What would draw this",
        description=f"{words}\n— <@{job.guest.user_id}>",
        colour=DONE_COLOUR,
    )
    return Card(embed, row(job.id, Action.DRAW, Action.DELETE))


def loaded(job: Job) -> Card:
    """A server's model was changed, and is in the image server's memory."""
    name = plain(job.request.model or "")
    return word(f"{_WHO[Scope.SERVER]} with **{name}**.\n{plain(job.outcome or '')}.")


def failed(job: Job) -> Card:
    """What went wrong and what to do; the number is in the operator's log too."""
    sentence = job.error_sentence or "Something went wrong on our side."
    if job.error_code in (BackendFailed.__name__, BackendRefused.__name__):
        sentence = _BROKE.get(job.request.kind, sentence)
    embed = discord.Embed(description=f"{_title(job.request)}\n{sentence}", colour=ERROR_COLOUR)
    if job.error_ref:
        embed.set_footer(text=f"error {job.error_ref}")
    return Card(embed, row(job.id, Action.RETRY, Action.DELETE))


def undeliverable(job: Job) -> Card:
    """Finished, but Discord does not take it; it is kept on disk."""
    text = (
        f"{_title(job.request)}\nThe picture is finished, but Discord doesn't take it. It is kept, "
        "and I will try again later."
    )
    return Card(discord.Embed(description=text, colour=ERROR_COLOUR), row(job.id, Action.DELETE))


def cancelled(job: Job, pictures: Sequence[Picture] = (), *, note: str | None = None) -> Card:
    """Withdrawn by its member or a moderator; `pictures` are those that were finished by then."""
    text = f"{_title(job.request)}\n{job.error_sentence or 'Cancelled.'}"
    if pictures:
        text += f" {so_far(job, pictures)}{_notes(pictures, note)}"
    embed = discord.Embed(description=text, colour=QUIET_COLOUR)
    if pictures:
        embed.set_footer(text=_facts(job, pictures))
    return Card(embed, row(job.id, Action.RETRY, Action.DELETE))


def so_far(job: Job, pictures: Sequence[Picture]) -> str:
    """How many of a job's pictures were finished before it ended early."""
    were = "was" if len(pictures) == 1 else "were"
    return f"{len(pictures)} of {job.request.count} {were} finished."


def refusal(sentence: str, ref: str | None = None) -> Card:
    """A private word about what to change."""
    embed = discord.Embed(description=sentence, colour=ERROR_COLOUR)
    if ref:
        embed.set_footer(text=f"error {ref}")
    return Card(embed)


def switched(scope: Scope, model: str | None) -> Card:
    """Whom a chosen model is for; without one, what holds instead."""
    return word(_BACK[scope] if model is None else f"{_WHO[scope]} with **{plain(model)}**.")


def word(text: str) -> Card:
    """A short answer that something is done."""
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR))


def duration(seconds: float) -> str:
    """A time as people say it: "9 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min"


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th … 21st."""
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def clipped(text: str, most: int) -> str:
    """The text on one line, at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def plain(text: str) -> str:
    """The text as words: its markdown, mentions and addresses do nothing."""
    return _MARKDOWN.sub(r"\\\1", _BIDI.sub("", text)).replace("://", ":" + chr(92) + "//")


def _title(request: ImageRequest) -> str:
    return f"**{plain(clipped(request.subject or request.prompt, SHOWN_PROMPT))}**"


def _notes(pictures: Sequence[Picture], note: str | None) -> str:
    """What was not made quite as asked, each remark once, and `note`; a line each."""
    remarks = dict.fromkeys(p.remark for p in pictures if p.remark)
    told = plain(clipped(" ".join(remarks), SHOWN_REMARKS))
    return "".join(f"\n{line}" for line in (told, note) if line)


def _facts(job: Job, pictures: Sequence[Picture]) -> str:
    request, first = job.request, pictures[0]
    if request.kind == "upscale":
        how = f"{request.upscale_by or 2:g} times larger with {request.upscaler}"
        return _joined(how, f"{first.width}×{first.height}")
    seeds = f"seed {first.seed}" if len(pictures) == 1 else f"seeds from {first.seed}"
    if request.rare.variation_strength:
        varied = "variation" if len(pictures) == 1 else "variations from"
        seeds = f"seed {first.seed}, {varied} {request.rare.variation_seed}"
    how = _joined_words(
        "1 step" if request.steps == 1 else f"{request.steps} steps",
        request.sampler,
        request.scheduler,
    )
    took = None
    if job.started_at is not None and job.ended_at is not None:
        # A figure and its unit stay together when the line wraps.
        took = duration(job.ended_at - job.started_at).replace(" ", "\u00a0")
    size = f"{first.width}×{first.height}"
    over = request.denoising_strength
    strength = None if over is None else f"strength {over:g}"
    hires = f"hires {request.hires.scale:g}×" if request.hires else None
    control = f"keeps {request.control.kind}" if request.control else None
    cfg = f"CFG {request.cfg_scale:g}"
    return _joined(request.model, size, seeds, how, cfg, strength, hires, control, took)


def _joined(*parts: str | None) -> str:
    return " · ".join(p if len(p) <= SHOWN_NAME else p[: SHOWN_NAME - 1] + "…" for p in parts if p)


def _joined_words(*parts: str | None) -> str:
    return " ".join(p for p in parts if p)
