"""`/server` as a card: every setting with its value and origin, a select, a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

from bot.errors import BadOption
from bot.guilds import KEYS, Change, Effective, InForce, Key, Origin, Scope, Value
from bot.values.look import QUIET_COLOUR
from cogs._ui.cards import Card, clipped, plain

PICK = "rules-pick"
_FORM = "rules-set"
_ROLE = "priority_role"
_ORIGINS = {
    Origin.OPERATOR: "the operator's",
    Origin.SERVER: "this server's",
    Origin.CHANNEL: "this channel's",
    Origin.MEMBER: "yours",
    Origin.MODEL: "the model's own",
    Origin.DEFAULT: "default",
}


def card(
    held: Effective, history: Sequence[Change], scope: Scope, notice: str | None = None
) -> Card:
    """What a member sees here now, and the last changes with who made them."""
    where = "this channel" if scope is Scope.CHANNEL else "this server"
    lines = [
        f"**{name}**: {_shown(name, one.value)} · *{_ORIGINS[one.origin]}*"
        for name, one in _all(held)
    ]
    if notice:
        lines = [notice, "", *lines]
    embed = discord.Embed(
        title="What is in force here", description="\n".join(lines), colour=QUIET_COLOUR
    )
    if history:
        embed.add_field(name="Last changes", value="\n".join(map(_told, history[:5])), inline=False)
    embed.set_footer(text=f"The select changes {where}.")
    view = discord.ui.View(timeout=None, store=False)
    view.add_item(_select(scope))
    return Card(embed, view)


def outdone(name: str, value: Value | None, held: Effective) -> str | None:
    """A line for a cap that was stored, where a stricter one holds all the same."""
    now = held.held[name]
    if value is None or not KEYS[name].cap or now.value == value:
        return None
    return f"⚠️ `{name}` is stored, but {_ORIGINS[now.origin]} {_shown(name, now.value)} holds."


def form(scope: Scope, key: Key, own: Value | None) -> discord.ui.Modal:
    """One field for one setting, with what that scope has chosen; empty takes it back."""
    modal = discord.ui.Modal(title=f"Change {key.name}", custom_id=f"{_FORM}:{scope}:{key.name}")
    value = "" if own is None else _typed(own)
    modal.add_item(
        discord.ui.InputText(
            label=key.sentence.rstrip("."),
            placeholder="Empty takes it back to what holds otherwise.",
            custom_id="value",
            value=value[:1000],
            required=False,
            max_length=1000,
        )
    )
    return modal


def scope_of(custom_id: str, kind: str) -> Scope | None:
    """The scope in an id of that kind; None when it is not one."""
    head, _, scope = custom_id.partition(":")
    return Scope(scope) if head == kind and scope in list(Scope) else None


def asked(custom_id: str) -> tuple[Scope, str] | None:
    """The scope and setting of a submitted form; None when it is not one of these."""
    parts = custom_id.split(":")
    if len(parts) != 3 or parts[0] != _FORM or parts[1] not in list(Scope) or parts[2] not in KEYS:
        return None
    return Scope(parts[1]), parts[2]


def typed(interaction: discord.Interaction) -> str:
    """What was typed into the form's one field."""
    data: dict[str, list[dict[str, list[dict[str, str]]]]] = interaction.data or {}  # type: ignore[assignment]
    for row in data.get("components") or ():
        for field in row.get("components") or ():
            if field.get("custom_id") == "value":
                return (field.get("value") or "").strip()
    return ""


def meant(name: str, text: str | None, guild: discord.Guild | None) -> str | None:
    """What was typed for a setting; for a role by its exact name, that role's id.

    Raises BadOption where several roles of the server have that name.
    """
    if name != _ROLE or text is None or guild is None:
        return text
    wanted = text.strip().removeprefix("@")
    found = [role.id for role in guild.roles if role.name.removeprefix("@") == wanted]
    if len(found) > 1:
        raise BadOption(name, "Several roles are called that here: mention the one with @.")
    return str(found[0]) if found else text


def _all(held: Effective) -> list[tuple[str, InForce]]:
    return [(name, held.held[name]) for name in KEYS]


def _select(scope: Scope) -> discord.ui.Select[Any, Any, Any]:
    chosen: discord.ui.Select[Any, Any, Any] = discord.ui.Select(
        custom_id=f"{PICK}:{scope}",
        placeholder="Change …",
        options=[
            discord.SelectOption(label=key.name, description=key.sentence) for key in KEYS.values()
        ],
    )
    return chosen


def _shown(name: str, value: Value | None) -> str:
    if value is None:
        return "—"
    if name == _ROLE:
        return f"<@&{value}>"  # its name to who reads it, and in an embed nobody is called
    return plain(clipped(_typed(value), 80))


def _typed(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(change: Change) -> str:
    where = f" in <#{change.scope_id}>" if change.scope is Scope.CHANNEL else ""
    return (
        f"<t:{int(change.at)}:R> <@{change.by_id}>: {change.key}{where} "
        f"{_shown(change.key, change.old)} → {_shown(change.key, change.new)}"
    )
