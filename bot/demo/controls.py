"""What a message or a modal offers to press, choose and fill in, as a member names it.

Reads components as Discord holds them, classic rows and Components V2 alike. People name a
button by its words, so labels are compared without emoji, without case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum

from bot.demo.say import Json, PlayError, split_named
from bot.demo.slash import Known, find_named, read_boolean, read_upload


class ComponentType(IntEnum):
    """Discord's component types, as far as a member can act on them or reads them."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


_SELECTS = (
    ComponentType.STRING_SELECT,
    ComponentType.USER_SELECT,
    ComponentType.MENTIONABLE_SELECT,
    ComponentType.CHANNEL_SELECT,
)
_LINK_STYLE = 5
_EMOJI_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, outer before inner, in the order in which they are shown."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        for key in ("accessory", "component"):
            if component.get(key):
                yield from walk([component[key]])


def components_of(message: Json) -> Iterator[Json]:
    """Every component of a message."""
    return walk(message.get("components") or ())


def bare(label: str) -> str:
    """A label as people say it: no emoji, no case, single spaces, three dots for any three dots.

    A label of emoji alone stays as it is.
    """
    dots = label.replace("…", "...").replace("⋯", "...").replace("·", ".")
    kept = (
        char
        for char in dots
        if char not in _EMOJI_JOINERS and unicodedata.category(char) not in ("So", "Sk", "Cf")
    )
    return " ".join("".join(kept).split()).casefold() or label.strip().casefold()


def label_of(button: Json) -> str:
    """A button's label, or its emoji's name when it has none."""
    return str(button.get("label") or (button.get("emoji") or {}).get("name") or "")


def buttons_of(message: Json) -> list[Json]:
    """All buttons of a message, in order."""
    return [item for item in components_of(message) if item["type"] == ComponentType.BUTTON]


def offers_cancel(message: Json) -> bool:
    """Whether the message has a Cancel button that can be pressed."""
    return any(
        bare(label_of(button)) == "cancel" and not button.get("disabled")
        for button in buttons_of(message)
    )


def find_button(message: Json, label: str, nth: int = 1) -> Json:
    """The `nth` (from 1) button of that label. Raises PlayError if there is none to press."""
    buttons = buttons_of(message)
    same = [button for button in buttons if bare(label_of(button)) == bare(label)]
    if len(same) < nth:
        there = ", ".join(label_of(button) for button in buttons) or "no buttons"
        which = label if nth == 1 else f"{label}#{nth}"
        raise PlayError(f"The last message has no button “{which}”; it has {there}.")
    button = same[nth - 1]
    if button.get("disabled"):
        raise PlayError(f"The button “{label_of(button)}” is disabled.")
    if button.get("style") == _LINK_STYLE:
        raise PlayError(f"“{label_of(button)}” is a link; nothing reaches the bot.")
    return button


def find_choice(message: Json, text: str, known: Known) -> tuple[Json, list[str]]:
    """The select of a message that has this option, and the values to send.

    `text` is an option's label or value; several, parted by commas, where the select takes
    several. In user and channel selects it is a name.
    """
    selects = [item for item in components_of(message) if item["type"] in _SELECTS]
    usable = [select for select in selects if not select.get("disabled")]
    for wanted in ([text], [part.strip() for part in text.split(",")]):
        for select in usable:
            values = [_selected(select, one, known) for one in wanted]
            if None not in values:
                return select, [value for value in values if value is not None]
    if not usable:
        raise PlayError("The last message has nothing to select from.")
    there = ", ".join(option["label"] for select in usable for option in _options(select))
    raise PlayError(f"The last message has no option “{text}”; it has {there or 'no such name'}.")


def _options(component: Json) -> list[Json]:
    return list(component.get("options") or ())


def _selected(select: Json, text: str, known: Known) -> str | None:
    if select["type"] == ComponentType.STRING_SELECT:
        return _option_value(select, text)
    is_channel = select["type"] == ComponentType.CHANNEL_SELECT
    try:
        found = (
            find_named(text.removeprefix("#"), known.channels, "channel")
            if is_channel
            else find_named(text.removeprefix("@"), known.users, "member")
        )
    except PlayError:
        return None
    return str(found["id"])


def _option_value(component: Json, text: str) -> str | None:
    for option in _options(component):
        if text.casefold() == str(option["value"]).casefold() or bare(text) == bare(
            option["label"]
        ):
            return str(option["value"])
    return None


def read_fields(text: str, modal: Json) -> list[Json]:
    """The `components` of a modal's submission, as Discord sends them.

    `text` is `FIELD:VALUE …`; FIELD is a label or custom_id in any case, and a value runs until
    the next known field. Fields that are not named keep what the modal filled in. Raises
    PlayError for an unknown field, a value that does not fit, or a required field left empty.
    """
    fields = _fields(modal)
    names = {
        name: field["custom_id"]
        for label, field in fields
        for name in (field["custom_id"], label, bare(label))
        if name
    }
    before, pairs = split_named(text, names, ignore_case=True)
    if before or not pairs:
        there = ", ".join(label or field["custom_id"] for label, field in fields)
        raise PlayError(f"The form has no field “{before.split(':')[0]}”; it has {there}.")
    given = {names[name]: value for name, value in pairs}
    answers = {
        field["custom_id"]: _answer(field, label, given.get(field["custom_id"]))
        for label, field in fields
    }
    return [_submitted(top, answers) for top in modal["components"]]


def _fields(modal: Json) -> list[tuple[str, Json]]:
    """The fields with the label that stands over each."""
    return [
        (str(top.get("label") or item.get("label") or ""), item)
        for top in modal["components"]
        for item in walk([top])
        if item.get("custom_id")
    ]


def _answer(field: Json, label: str, given: str | None) -> Json:
    name = label or field["custom_id"]
    key, value = _ANSWERS.get(field["type"], _chosen)(field, name, given)
    if field.get("required", True) and value in (None, "", []):
        raise PlayError(f"The form needs {name}.")
    return {"type": field["type"], "custom_id": field["custom_id"], key: value}


def _typed(field: Json, name: str, given: str | None) -> tuple[str, object]:  # noqa: ARG001
    return "value", (field.get("value") or "") if given is None else given


def _chosen(field: Json, name: str, given: str | None) -> tuple[str, object]:
    if given is None:
        return "values", [str(o["value"]) for o in _options(field) if o.get("default")]
    for wanted in ([given], [part.strip() for part in given.split(",")]):
        values = [_option_value(field, one) for one in wanted]
        if None not in values:
            return "values", values
    there = ", ".join(option["label"] for option in _options(field))
    raise PlayError(f"{name} can't be “{given}”; it is one of {there}.")


def _chosen_one(field: Json, name: str, given: str | None) -> tuple[str, object]:
    values = _chosen(field, name, given)[1]
    return "value", values[0] if isinstance(values, list) and values else None


def _ticked(field: Json, name: str, given: str | None) -> tuple[str, object]:
    return "value", bool(field.get("default")) if given is None else read_boolean(name, given)


def _attached(field: Json, name: str, given: str | None) -> tuple[str, object]:  # noqa: ARG001
    return "values", [] if given is None else [read_upload(name, given)]


_ANSWERS: Mapping[int, Callable[[Json, str, str | None], tuple[str, object]]] = {
    ComponentType.TEXT_INPUT: _typed,
    ComponentType.RADIO_GROUP: _chosen_one,
    ComponentType.CHECKBOX: _ticked,
    ComponentType.FILE_UPLOAD: _attached,
}


def _submitted(top: Json, answers: Mapping[str, Json]) -> Json:
    sent: Json = {"type": top["type"]}
    if top.get("id") is not None:
        sent["id"] = top["id"]
    if top.get("components"):
        sent["components"] = [answers[field["custom_id"]] for field in top["components"]]
    if top.get("component"):
        sent["component"] = answers[top["component"]["custom_id"]]
    return sent
