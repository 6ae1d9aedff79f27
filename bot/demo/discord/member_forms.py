"""What Discord's client checks before a button, a select or a modal is sent."""

from __future__ import annotations

from typing import Any

from bot.demo.discord import wire
from bot.demo.discord.limits_components import walk
from bot.demo.discord.member_options import MemberError, OptionChecker
from bot.demo.discord.messages import Message
from bot.demo.discord.wire import Json

# Component type → the option type whose values it has.
_MEANS = {
    wire.FILE_UPLOAD: wire.ATTACHMENT,
    wire.USER_SELECT: wire.USER,
    wire.ROLE_SELECT: wire.ROLE,
    wire.MENTIONABLE_SELECT: wire.MENTIONABLE,
    wire.CHANNEL_SELECT: wire.CHANNEL,
}


def component_data(message: Message, data: Json, checker: OptionChecker) -> Json:
    """The `data` of a component interaction.

    Raises:
        MemberError: no such component, disabled, or values that it does not offer.
    """
    custom_id = data.get("custom_id")
    found = next((c for c in walk(message.components) if c.get("custom_id") == custom_id), None)
    if found is None:
        raise MemberError("That message has no such button or select.")
    if found.get("disabled"):
        raise MemberError("That component is disabled.")
    if data.get("component_type", found["type"]) != found["type"]:
        raise MemberError(f"That component is of type {found['type']}.")
    sent: Json = {"custom_id": custom_id, "component_type": found["type"], "id": found["id"]}
    if found["type"] in wire.SELECTS:
        sent["values"] = _picked(found, data.get("values"), checker)
        sent["resolved"] = checker.resolved
    return sent


def modal_data(modal: Json, data: Json, checker: OptionChecker) -> Json:
    """The `data` of a modal's submission, in the shape of the modal that was shown.

    Raises:
        MemberError: a required field is empty, a text too short or too long, a bad choice.
    """
    given = {str(c["custom_id"]): c for c in walk(_shallow(data)) if c.get("custom_id")}
    sent: Json = {
        "custom_id": modal["custom_id"],
        "components": [_filled(part, given, checker) for part in modal["components"]],
    }
    return sent | {"resolved": checker.resolved} if checker.resolved else sent


def _shallow(data: Json) -> list[Json]:
    components = data.get("components")
    if not isinstance(components, list):
        raise MemberError("A modal's answer brings its components.")
    return components


def _filled(part: Json, given: dict[str, Json], checker: OptionChecker) -> Json:
    sent: Json = {"type": part["type"], "id": part["id"]}
    if part["type"] == wire.ROW:
        return sent | {"components": [_field(c, given, checker) for c in part["components"]]}
    if part["type"] == wire.LABEL:
        return sent | {"component": _field(part["component"], given, checker)}
    return sent


def _field(field: Json, given: dict[str, Json], checker: OptionChecker) -> Json:
    kind, custom_id = field["type"], field["custom_id"]
    sent: Json = {"type": kind, "id": field["id"], "custom_id": custom_id}
    answer = given.get(custom_id, {})
    if kind == wire.TEXT_INPUT:
        return sent | {"value": _text(field, answer.get("value"))}
    if kind == wire.CHECKBOX:
        return sent | {"value": bool(answer.get("value", field.get("default", False)))}
    if kind == wire.RADIO_GROUP:
        value = answer.get("value")
        picked = _picked(field, [] if value is None else [value], checker)
        return sent | {"value": picked[0] if picked else None}
    return sent | {"values": _picked(field, answer.get("values"), checker)}


def _text(field: Json, value: Any) -> str:
    text = field.get("value", "") if value is None else str(value)
    if not text and not field.get("required", True):
        return ""
    if not text or len(text) < field.get("min_length", 0):
        raise MemberError(f"“{field['custom_id']}” is too short.")
    if len(text) > field.get("max_length", 4000):
        raise MemberError(f"“{field['custom_id']}” is too long.")
    return text


def _picked(field: Json, values: Any, checker: OptionChecker) -> list[str]:
    """The values of a select, group or file upload, within its bounds and its options."""
    picked = [str(value) for value in values] if isinstance(values, list) else []
    kind = field["type"]
    least = field.get("min_values", 1)
    if not picked and not field.get("required", True):
        least = 0
    options = {option["value"] for option in field.get("options", ())}
    most = field.get("max_values", len(options) if kind == wire.CHECKBOX_GROUP else 1)
    if not least <= len(picked) <= most or len(set(picked)) != len(picked):
        raise MemberError(f"Pick {least} to {most} for “{field['custom_id']}”.")
    if options and not set(picked) <= options:
        raise MemberError(f"“{field['custom_id']}” does not offer that.")
    if kind in _MEANS:
        return [checker.add(_MEANS[kind], value) for value in picked]
    return picked
