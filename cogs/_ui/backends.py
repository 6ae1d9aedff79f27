"""`/backend` as cards: how backends are, and whether they take jobs.

The ids of buttons and selects hold all their state: `own:<action>:<backend>:<what>`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.queue.job import Job, Status
from bot.studio.owners import Report
from bot.studio.stewards import Machine
from bot.values.look import QUIET_COLOUR
from cogs._ui.cards import Card, clipped, duration, plain

LONGEST_TEXT = 3900
"""Characters of a card; Discord takes 4096 for a description (contracts: discord 8)."""
_ID = "own"
_SIGNS = {"up": "🟢", "down": "🔴", "rejected": "🔴", "unknown": "⚪"}
_STATES = {"up": "up", "down": "down", "rejected": "refuses us", "unknown": "not asked yet"}
_ENDS = {Status.FAILED: "✖", Status.CANCELLED: "⊘"}
_STATUSES = {"InService": "🟢", "Failed": "🔴"}


@dataclass(frozen=True)
class Pressed:
    """What an id says: `what` is the thing it is about, perhaps shortened."""

    action: str
    backend: str
    what: str = ""


def custom_id(action: str, backend: str, what: str = "") -> str:
    """`own:<action>:<backend>:<what>`; `what` has at most `ROOM` characters."""
    return f"{_ID}:{action}:{backend}:{what}"


ROOM = 100 - len(custom_id("undeploy", "b" * 32))
"""Characters that are left in an id beside the longest action and backend."""


def pressed(text: str) -> Pressed | None:
    """None for an id of somebody else."""
    parts = text.split(":", 3)
    return Pressed(*parts[1:]) if len(parts) == 4 and parts[0] == _ID else None


def status(reports: Sequence[Report], asked: str | None) -> Card:
    """How backends are; `asked` is the one that was asked for. Jobs are left out when the whole
    would be too long."""
    now = time.time()
    texts = ("\n\n".join(_told(r, now, most) for r in reports) for most in (5, 2, 0))
    fitting = [text for text in texts if len(text) <= LONGEST_TEXT]
    short = "\n".join(_head(report) for report in reports)
    text = fitting[0] if fitting else _cut(short)
    embed = discord.Embed(title="Backends", description=text, colour=QUIET_COLOUR)
    view = discord.ui.View(timeout=None, store=False)
    view.add_item(button("Look again", custom_id("look", asked or "")))
    return Card(embed, view)


def drained(name: str, is_drained: bool, running: int, waiting: int) -> Card:
    """What a backend does with jobs from now on, and a button that takes it back."""
    shown = plain(name)
    if is_drained:
        text = (
            f"⏸️ **{shown}** takes nothing new, also after a restart. {_rest(running)}What waits "
            f"for it ({waiting}) keeps its place, or is drawn elsewhere."
        )
    else:
        text = f"▶️ **{shown}** takes jobs again."
    view = discord.ui.View(timeout=None, store=False)
    label, back = ("Take jobs again", "off") if is_drained else ("Drain", "on")
    view.add_item(button(label, custom_id("drain", name, back)))
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR), view)


def refreshed(name: str, before: int, now: int) -> Card:
    """What a backend has after it has looked again."""
    change = f", {now - before:+d}" if now != before else ", as before"
    models = "1 model" if now == 1 else f"{now} models"
    text = f"🔄 **{plain(name)}** has looked again: {models}{change}."
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR))


def machine_line(machine: Machine, now: float) -> str:
    """One endpoint: its status, how long it has run and been idle, what it costs, why it failed."""
    state = machine.state
    parts = [f"{_STATUSES.get(state.status, '⏳')} **{plain(state.name)}** {plain(state.status)}"]
    if state.instance_type:
        count = "" if state.instances is None else f" × {state.instances}"
        parts.append(f"{plain(state.instance_type)}{count}")
    if state.started_at is not None and state.status == "InService":
        parts.append(f"running for {duration(now - state.started_at)}")
    if machine.idle_since is not None:
        parts.append(f"idle for {duration(now - machine.idle_since)}")
    if machine.usd_per_hour and state.status != "Failed":
        parts.append(f"{usd(machine.usd_per_hour)} per hour")
    reason = f"\n{plain(clipped(state.reason, 400))}" if state.reason else ""
    return " · ".join(parts) + reason


def usd(amount: float) -> str:
    """An amount of money as people write it."""
    return f"${amount:.2f}"


def button(
    label: str, custom_id: str, *, danger: bool = False, row: int | None = None
) -> discord.ui.Button[discord.ui.View]:
    """A quiet one, or one for what can't be taken back."""
    style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
    made: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=label, custom_id=custom_id, style=style, row=row
    )
    return made


def select(
    custom_id: str, placeholder: str, options: Sequence[discord.SelectOption]
) -> discord.ui.Select[Any, Any, Any]:
    """At most 25 of them."""
    return discord.ui.Select(
        custom_id=custom_id, placeholder=placeholder, options=list(options[:25])
    )


def chosen(interaction: discord.Interaction) -> str:
    """The value that was picked in a select."""
    data: dict[str, list[str]] = interaction.data or {}  # type: ignore[assignment]
    return (data.get("values") or [""])[0]


def _told(report: Report, now: float, most: int) -> str:
    lines = [_head(report)]
    if report.why:
        lines.append(f"⚠️ {report.why}")
    loaded = f"**{plain(report.loaded)}** is loaded · " if report.loaded else ""
    lines.append(
        f"{loaded}{report.models} models · {report.running} running, {report.waiting} waiting"
    )
    if report.used.most is not None:
        lines.append(f"{report.used.pictures} of today's {report.used.most} pictures are used")
    lines.append(_throttle(report))
    lines += [machine_line(m, now) for m in report.machines or ()]
    if report.unasked:
        lines.append(f"⚠️ Its endpoints can't be seen: {report.unasked}")
    lines += [
        f"⏳ {plain(a.name)} ({a.kind}) was sent for <t:{int(a.since)}:R>" for a in report.arriving
    ]
    lines += [_job(job) for job in report.recent[:most]]
    return "\n".join(lines)


def _head(report: Report) -> str:
    since = f", since <t:{int(report.since)}:R>"
    held = " · ⏸️ drained" if report.drained else ""
    sign, state = _SIGNS[report.state], _STATES[report.state]
    return f"{sign} **{plain(report.name)}** ({plain(report.kind)}) {state}{since}{held}"


def _throttle(report: Report) -> str:
    spent = report.throttle
    may = "no throttle" if spent.rate is None else f"{spent.rate:g} a second, {spent.burst} at once"
    waited = ""
    if spent.waits:
        waited = f", {spent.waits} of them waited {duration(spent.seconds_waited)} together"
    return f"{may} · {spent.permits} requests{waited}, {spent.refusals} refused as too many"


def _job(job: Job) -> str:
    ended, request = job.ended_at or job.created_at, job.request
    what = f"{plain(clipped(request.model or request.kind, 60))} {request.width}×{request.height}"
    took = duration(ended - (job.started_at or ended))
    why = f" · {job.error_code} {job.error_ref or ''}".rstrip() if job.error_code else ""
    sign = _ENDS.get(job.status, "✔")
    failed = why if job.status is Status.FAILED else ""
    return f"{sign} <t:{int(ended)}:R> · {what} · {took} · <@{job.guest.user_id}>{failed}"


def _rest(running: int) -> str:
    if not running:
        return ""
    return "It ends what it is doing. " if running == 1 else f"It ends its {running} jobs. "


def _cut(text: str) -> str:
    """Whole lines of a text that is too long even so."""
    kept = text[:LONGEST_TEXT].rpartition("\n")[0]
    return f"{kept}\n…"
