"""What Discord takes as components of messages and modals.

Lengths and numbers stand in tables by component type; what may hold what is told by two more.
Source: contract, section 8 "Components", and Discord's OpenAPI description.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bot.demo.discord import forms, wire
from bot.demo.discord.errors import Problems, Where
from bot.demo.discord.wire import Json

MOST_V2_COMPONENTS = 40
MOST_V2_CHARACTERS = 4_000

_CUSTOM = {"custom_id": (1, 100)}
_SELECT = {**_CUSTOM, "placeholder": (0, 150)}
TEXTS: dict[int, dict[str, tuple[int, int]]] = {
    wire.BUTTON: {"custom_id": (1, 100), "label": (0, 80), "url": (0, 512)},
    wire.TEXT_INPUT: {**_CUSTOM, "label": (1, 45), "value": (0, 4000), "placeholder": (0, 100)},
    wire.TEXT_DISPLAY: {"content": (1, 4000)},
    wire.THUMBNAIL: {"description": (1, 1024)},
    wire.LABEL: {"label": (1, 45), "description": (1, 100)},
    wire.FILE_UPLOAD: _CUSTOM,
    wire.RADIO_GROUP: _CUSTOM,
    wire.CHECKBOX_GROUP: _CUSTOM,
    wire.CHECKBOX: _CUSTOM,
    **dict.fromkeys(wire.SELECTS, _SELECT),
}
_RANGE_25 = {"min_values": (0, 25), "max_values": (1, 25)}
_RANGE_10 = {"min_values": (0, 10), "max_values": (1, 10)}
NUMBERS: dict[int, dict[str, tuple[int, int]]] = {
    wire.TEXT_INPUT: {"min_length": (0, 4000), "max_length": (1, 4000), "style": (1, 2)},
    wire.CONTAINER: {"accent_color": (0, 0xFFFFFF)},
    wire.SEPARATOR: {"spacing": (1, 2)},
    wire.BUTTON: {"style": (1, 6)},
    wire.FILE_UPLOAD: _RANGE_10,
    wire.CHECKBOX_GROUP: _RANGE_10,
    **dict.fromkeys(wire.SELECTS, _RANGE_25),
}
REQUIRED: dict[int, tuple[str, ...]] = {
    wire.BUTTON: ("style",),
    wire.TEXT_INPUT: ("custom_id", "style"),
    wire.TEXT_DISPLAY: ("content",),
    wire.LABEL: ("label",),
    **dict.fromkeys(
        (*wire.SELECTS, wire.FILE_UPLOAD, wire.RADIO_GROUP, wire.CHECKBOX_GROUP, wire.CHECKBOX),
        ("custom_id",),
    ),
}
_SELECT_FIELDS = frozenset(
    {"custom_id", "placeholder", "min_values", "max_values", "disabled", "required"}
)
FIELDS: dict[int, frozenset[str]] = {
    wire.ROW: frozenset({"components"}),
    wire.BUTTON: frozenset({"custom_id", "style", "label", "emoji", "url", "disabled", "sku_id"}),
    wire.STRING_SELECT: _SELECT_FIELDS | {"options"},
    wire.TEXT_INPUT: frozenset(
        {"custom_id", "style", "label", "value", "placeholder", "required"}
        | {"min_length", "max_length"}
    ),
    wire.USER_SELECT: _SELECT_FIELDS | {"default_values"},
    wire.ROLE_SELECT: _SELECT_FIELDS | {"default_values"},
    wire.MENTIONABLE_SELECT: _SELECT_FIELDS | {"default_values"},
    wire.CHANNEL_SELECT: _SELECT_FIELDS | {"default_values", "channel_types"},
    wire.SECTION: frozenset({"components", "accessory"}),
    wire.TEXT_DISPLAY: frozenset({"content"}),
    wire.THUMBNAIL: frozenset({"media", "description", "spoiler"}),
    wire.GALLERY: frozenset({"items"}),
    wire.FILE: frozenset({"file", "spoiler"}),
    wire.SEPARATOR: frozenset({"divider", "spacing"}),
    wire.CONTAINER: frozenset({"components", "accent_color", "spoiler"}),
    wire.LABEL: frozenset({"label", "description", "component"}),
    wire.FILE_UPLOAD: frozenset({"custom_id", "min_values", "max_values", "required"}),
    wire.RADIO_GROUP: frozenset({"custom_id", "options", "required"}),
    wire.CHECKBOX_GROUP: frozenset(
        {"custom_id", "options", "required", "min_values", "max_values"}
    ),
    wire.CHECKBOX: frozenset({"custom_id", "default"}),
}
OPTIONS = {wire.STRING_SELECT: (1, 25), wire.RADIO_GROUP: (2, 10), wire.CHECKBOX_GROUP: (1, 10)}
_IN_CONTAINER = frozenset(
    {wire.ROW, wire.SECTION, wire.TEXT_DISPLAY, wire.GALLERY, wire.FILE, wire.SEPARATOR}
)
IN_V2_MESSAGE = _IN_CONTAINER | {wire.CONTAINER}
IN_MESSAGE = frozenset({wire.ROW})
IN_MODAL = frozenset({wire.ROW, wire.LABEL, wire.TEXT_DISPLAY})
_IN_MESSAGE_ROW = wire.SELECTS | {wire.BUTTON}
_IN_LABEL = wire.SELECTS | {
    wire.TEXT_INPUT,
    wire.FILE_UPLOAD,
    wire.RADIO_GROUP,
    wire.CHECKBOX_GROUP,
    wire.CHECKBOX,
}


def check_components(problems: Problems, components: Any, *, v2: bool) -> None:
    """The components of a message; `v2` tells whether the flag IS_COMPONENTS_V2 is set."""
    most = MOST_V2_COMPONENTS if v2 else 5
    listed = forms.items(problems, ("components",), components, most=most)
    allowed = IN_V2_MESSAGE if v2 else IN_MESSAGE
    for place, component in enumerate(listed):
        _check(problems, ("components", place), component, allowed, modal=False)
    nodes = list(walk(listed))
    if v2 and len(nodes) > MOST_V2_COMPONENTS:
        words = f"Total number of components exceeds {MOST_V2_COMPONENTS}: {len(nodes)}"
        problems.add(("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words)
    displayed = [c for c in nodes if c.get("type") == wire.TEXT_DISPLAY]
    if sum(len(str(c.get("content") or "")) for c in displayed) > MOST_V2_CHARACTERS:
        words = f"The total text of all components must be {MOST_V2_CHARACTERS} or fewer"
        problems.add(("components",), "COMPONENT_MAX_TEXT_LENGTH_EXCEEDED", words)
    _unique(problems, nodes)


def check_modal(problems: Problems, data: Json) -> None:
    """A modal: title, custom_id, one to five top-level components."""
    forms.text(problems, ("custom_id",), data.get("custom_id"), least=1, most=100, required=True)
    forms.text(problems, ("title",), data.get("title"), least=1, most=45, required=True)
    place = ("components",)
    listed = forms.items(problems, place, data.get("components"), least=1, most=5, required=True)
    for index, component in enumerate(listed):
        _check(problems, ("components", index), component, IN_MODAL, modal=True)
    _unique(problems, list(walk(listed)))


def walk(components: Any) -> Iterator[Json]:
    """Every component, outer ones first, those inside rows, sections, labels … too."""
    for component in components if isinstance(components, list) else ():
        if isinstance(component, dict):
            yield component
            yield from walk(component.get("components"))
            yield from walk([component.get("accessory"), component.get("component")])


def _check(
    problems: Problems, where: Where, component: Json, allowed: frozenset[int], *, modal: bool
) -> None:
    kind = forms.one_of(problems, (*where, "type"), component.get("type"), allowed)
    if kind is None:
        return
    forms.whole(problems, (*where, "id"), component.get("id"), least=0, most=(1 << 31) - 1)
    required = REQUIRED.get(kind, ())
    for key, (least, most) in TEXTS.get(kind, {}).items():
        value, must = component.get(key), key in required
        forms.text(problems, (*where, key), value, least=least, most=most, required=must)
    for key, (least, most) in NUMBERS.get(kind, {}).items():
        value, must = component.get(key), key in required
        forms.whole(problems, (*where, key), value, least=least, most=most, required=must)
    if kind in OPTIONS:
        _options(problems, (*where, "options"), component, *OPTIONS[kind])
    if kind == wire.BUTTON:
        _button(problems, where, component)
    _media(problems, where, component, kind)
    _inside(problems, where, component, kind, modal=modal)


def _inside(problems: Problems, where: Where, component: Json, kind: int, *, modal: bool) -> None:
    """The components that this one holds."""
    place = (*where, "components")
    held = component.get("components")
    if kind == wire.ROW:
        nested = forms.items(problems, place, held, least=1, most=5, required=True)
        allowed = frozenset({wire.TEXT_INPUT}) if modal else _IN_MESSAGE_ROW
        if len(nested) > 1 and any(c.get("type") != wire.BUTTON for c in nested):
            words = "An action row holds up to five buttons, or one select alone"
            problems.add(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", words)
    elif kind == wire.SECTION:
        nested = forms.items(problems, place, held, least=1, most=3, required=True)
        allowed = frozenset({wire.TEXT_DISPLAY})
        accessory = component.get("accessory")
        _required_part(
            problems, (*where, "accessory"), accessory, frozenset({wire.BUTTON, wire.THUMBNAIL})
        )
    elif kind == wire.CONTAINER:
        nested = forms.items(problems, place, held, least=1, most=40, required=True)
        allowed = _IN_CONTAINER
    else:
        if kind == wire.LABEL:
            _required_part(problems, (*where, "component"), component.get("component"), _IN_LABEL)
        return
    for index, part in enumerate(nested):
        _check(problems, (*place, index), part, allowed, modal=modal)


def _required_part(problems: Problems, where: Where, part: Any, allowed: frozenset[int]) -> None:
    if isinstance(part, dict):
        _check(problems, where, part, allowed, modal=True)
    else:
        problems.add(where, "BASE_TYPE_REQUIRED", "This field is required")


def _button(problems: Problems, where: Where, button: Json) -> None:
    style, custom_id, url = button.get("style"), button.get("custom_id"), button.get("url")
    if style == wire.LINK_BUTTON:
        if not url:
            words = "A url is required for this button style"
            problems.add((*where, "url"), "BUTTON_COMPONENT_URL_REQUIRED", words)
        if custom_id:
            words = "A custom id and url cannot both be specified"
            problems.add((*where, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_URL", words)
    elif style != wire.PREMIUM_BUTTON and (not custom_id or url):
        words = "A custom id is required, and no url, for this button style"
        problems.add((*where, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", words)
    if style != wire.PREMIUM_BUTTON and not button.get("label") and not button.get("emoji"):
        words = "A button needs a label or an emoji"
        problems.add((*where, "label"), "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", words)


def _options(problems: Problems, where: Where, component: Json, least: int, most: int) -> None:
    options = forms.items(
        problems, where, component.get("options"), least=least, most=most, required=True
    )
    seen: set[str] = set()
    for place, option in enumerate(options):
        here = (*where, place)
        for key in ("label", "value"):
            forms.text(problems, (*here, key), option.get(key), least=1, most=100, required=True)
        forms.text(problems, (*here, "description"), option.get("description"), most=100)
        value = str(option.get("value"))
        if value in seen:
            words = "The specified option value is already used"
            problems.add((*here, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", words)
        seen.add(value)


def _media(problems: Problems, where: Where, component: Json, kind: int) -> None:
    if kind == wire.GALLERY:
        place = (*where, "items")
        given = component.get("items")
        for index, item in enumerate(
            forms.items(problems, place, given, least=1, most=10, required=True)
        ):
            here = (*place, index)
            forms.text(problems, (*here, "description"), item.get("description"), most=1024)
            _link(problems, (*here, "media", "url"), item.get("media"))
    elif kind == wire.THUMBNAIL:
        _link(problems, (*where, "media", "url"), component.get("media"))
    elif kind == wire.FILE:
        _link(problems, (*where, "file", "url"), component.get("file"), schemes=("attachment://",))


def _link(
    problems: Problems,
    where: Where,
    media: Any,
    schemes: tuple[str, ...] = ("http://", "https://", "attachment://"),
) -> None:
    url = media.get("url") if isinstance(media, dict) else None
    forms.text(problems, where, url, least=1, most=2048, required=True)
    if isinstance(url, str) and url and not url.startswith(schemes):
        words = f"Scheme must be one of {', '.join(scheme[:-3] for scheme in schemes)}."
        problems.add(where, "URL_TYPE_INVALID_SCHEME", words)


def _unique(problems: Problems, nodes: list[Json]) -> None:
    for key, code, words in (
        ("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"),
        ("id", "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated"),
    ):
        counts = Counter(str(node[key]) for node in nodes if node.get(key))
        if any(count > 1 for count in counts.values()):
            problems.add(("components",), code, words)
