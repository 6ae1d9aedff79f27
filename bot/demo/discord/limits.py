"""What Discord takes as a message: content, embeds, flags, files.

Source: contract, section 8 "Messages", Discord's OpenAPI description, and the rules that
tools/check_discord_requests.py checks. Components have a room of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.demo.discord import errors, forms
from bot.demo.discord.errors import Problems, Where
from bot.demo.discord.files import Upload
from bot.demo.discord.limits_components import check_components
from bot.demo.discord.mentions import check_allowed_mentions
from bot.demo.discord.wire import Json

MOST_FILES = 10
MOST_EMBED_CHARACTERS = 6_000
_URL_SCHEMES = ("http://", "https://", "attachment://")
_LEGACY = ("content", "embeds", "poll", "sticker_ids")


def check_message(problems: Problems, data: Json, *, v2: bool) -> None:
    """The parts of a message body that stand on their own."""
    forms.text(problems, ("content",), data.get("content"), most=2000)
    forms.whole(problems, ("flags",), data.get("flags"), least=0, most=(1 << 31) - 1)
    _embeds(problems, data.get("embeds"))
    check_components(problems, data.get("components"), v2=v2)
    check_allowed_mentions(problems, data.get("allowed_mentions"))
    _attachments(problems, data.get("attachments"))
    nonce = data.get("nonce")
    if nonce is not None:
        forms.text(problems, ("nonce",), str(nonce), most=25)


def check_v2_fields(problems: Problems, standing: Json) -> None:
    """A Components V2 message has no content, embeds, poll or stickers; `standing` is the
    message as it would stand after the request."""
    for field in _LEGACY:
        if standing.get(field):
            words = f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            problems.add((field,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)


def check_uploads(uploads: Sequence[Upload], limit: int) -> None:
    """Raises:
    Refusal: 413 with 40005 for a file over `limit` bytes, 400 with 30015 over ten files.
    """
    if any(len(upload.data) > limit for upload in uploads):
        raise errors.too_large()
    if len(uploads) > MOST_FILES:
        raise too_many_files()


def too_many_files() -> errors.Refusal:
    words = f"Maximum number of attachments in a message reached ({MOST_FILES})"
    return errors.Refusal(400, 30015, words)


def _attachments(problems: Problems, attachments: Any) -> None:
    listed = forms.items(problems, ("attachments",), attachments, most=MOST_FILES)
    for place, entry in enumerate(listed):
        here: Where = ("attachments", place)
        forms.whole(
            problems, (*here, "id"), entry.get("id"), least=0, most=(1 << 63) - 1, required=True
        )
        forms.text(problems, (*here, "filename"), entry.get("filename"), least=1, most=1024)
        forms.text(problems, (*here, "description"), entry.get("description"), most=1024)


def _embeds(problems: Problems, embeds: Any) -> None:
    listed = forms.items(problems, ("embeds",), embeds, most=10)
    for place, embed in enumerate(listed):
        _embed(problems, ("embeds", place), embed)
    total = sum(_characters(embed) for embed in listed)
    if total > MOST_EMBED_CHARACTERS:
        words = f"Embed size exceeds maximum size of {MOST_EMBED_CHARACTERS}"
        problems.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", words)


def _embed(problems: Problems, where: Where, embed: Json) -> None:
    forms.text(problems, (*where, "title"), embed.get("title"), most=256)
    forms.text(problems, (*where, "description"), embed.get("description"), most=4096)
    forms.whole(problems, (*where, "color"), embed.get("color"), least=0, most=0xFFFFFF)
    footer, author = _object(embed, "footer"), _object(embed, "author")
    forms.text(problems, (*where, "footer", "text"), footer.get("text"), most=2048)
    forms.text(problems, (*where, "author", "name"), author.get("name"), most=256)
    fields = forms.items(problems, (*where, "fields"), embed.get("fields"), most=25)
    for place, field in enumerate(fields):
        here = (*where, "fields", place)
        forms.text(problems, (*here, "name"), field.get("name"), most=256, required=True)
        forms.text(problems, (*here, "value"), field.get("value"), most=1024, required=True)
    _urls(problems, where, embed)
    _time(problems, (*where, "timestamp"), embed.get("timestamp"))


def _urls(problems: Problems, where: Where, embed: Json) -> None:
    links: list[tuple[Where, Any]] = [(("url",), embed.get("url"))]
    links += [((part, "url"), _object(embed, part).get("url")) for part in ("image", "thumbnail")]
    links += [
        ((part, "icon_url"), _object(embed, part).get("icon_url")) for part in ("footer", "author")
    ]
    links.append((("author", "url"), _object(embed, "author").get("url")))
    for path, link in links:
        if link in (None, ""):
            continue
        if not isinstance(link, str) or not link.lower().startswith(_URL_SCHEMES):
            words = (
                f'Scheme "{str(link).split(":", 1)[0]}" is not supported. '
                "Scheme must be one of ('http', 'https')."
            )
            problems.add((*where, *path), "URL_TYPE_INVALID_SCHEME", words)
        forms.text(problems, (*where, *path), link, most=2048)


def _time(problems: Problems, where: Where, value: Any) -> None:
    if value is None:
        return
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        words = f"Could not parse {value}. Should be ISO8601."
        problems.add(where, "DATE_TIME_TYPE_PARSE", words)


def _object(parent: Json, key: str) -> Json:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _characters(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [_object(embed, "footer").get("text"), _object(embed, "author").get("name")]
    fields = embed.get("fields")
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, dict):
            texts += [field.get("name"), field.get("value")]
    return sum(len(text.strip()) for text in texts if isinstance(text, str))
