"""Turning a request's body into a message, new or edited, with its files.

Everything is judged before anything is changed. An edit keeps the files unless it lists
`attachments`: then exactly those listed remain, and the new ones (contract, section 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from bot.demo.discord import errors, forms, limits, wire
from bot.demo.discord.errors import Problems, Where
from bot.demo.discord.files import StoredFile, Upload, safe_name
from bot.demo.discord.limits_components import FIELDS, walk
from bot.demo.discord.mentions import pinged
from bot.demo.discord.messages import FILE_MARK, Message
from bot.demo.discord.wire import COMPONENTS_V2, LOADING, SUPPRESS_EMBEDS, Json
from bot.demo.discord.world import World

_EMBED_FIELDS = (
    "title",
    "description",
    "url",
    "timestamp",
    "color",
    "footer",
    "image",
    "thumbnail",
    "author",
    "fields",
)
_ATTACHMENT = "attachment://"
_WORDS = frozenset({"content", "components", "allowed_mentions"})
_LINK_KEYS = ("url", "icon_url")


@dataclass(frozen=True)
class Draft:
    """One body that writes to a message. `limit` is bytes for each file; `prefix` is where the
    message lies in the request (`data` in a callback); an `interaction` pings users only."""

    data: Json
    uploads: tuple[Upload, ...] = ()
    limit: int = 10 * wire.MIB
    prefix: Where = ()
    by_interaction: bool = False


@dataclass(frozen=True)
class _NewFile:
    upload: Upload
    description: str | None = None


async def write(world: World, message: Message, draft: Draft) -> None:
    """Put a draft into a message; a new message comes in empty.

    Raises:
        Refusal: 50035, 50006, 40005, 30015 or 50146; then nothing was changed.
    """
    flags = _flags(message, draft.data)
    standing = _judge(message, draft, v2=bool(flags & COMPONENTS_V2))
    kept, fresh = _plan_files(message, draft)
    if len(kept) + len(fresh) > limits.MOST_FILES:
        raise limits.too_many_files()
    if not (any(standing.values()) or kept or fresh):
        raise errors.empty_message()
    _check_references(draft, kept, fresh)
    files = [*kept, *[await _keep(world, message, new) for new in fresh]]
    names = _names(files, fresh)
    message.content = standing["content"]
    if "embeds" in draft.data:
        message.embeds = [_marked(_embed(embed), names) for embed in standing["embeds"]]
    if "components" in draft.data:
        message.components = numbered(_marked(pruned(standing["components"]), names))
    message.files = files
    message.flags = flags
    if not world.has(message) or _WORDS & draft.data.keys():
        allowed, by_interaction = draft.data.get("allowed_mentions"), draft.by_interaction
        message.mentions = pinged(message, allowed, world.users, by_interaction=by_interaction)


async def _keep(world: World, message: Message, new: _NewFile) -> StoredFile:
    place, words = message.channel.id, new.description
    return await world.files.keep(new.upload, place, description=words, ephemeral=message.ephemeral)


def _flags(message: Message, data: Json) -> int:
    """Only two flags follow the body; IS_COMPONENTS_V2 stays once it was set."""
    wanted = forms.as_int(data.get("flags"))
    flags = message.flags & ~LOADING
    if wanted is not None:
        flags = (flags & ~SUPPRESS_EMBEDS) | (wanted & (SUPPRESS_EMBEDS | COMPONENTS_V2))
    return flags | (message.flags & COMPONENTS_V2)


def _judge(message: Message, draft: Draft, *, v2: bool) -> Json:
    """Content, embeds and components as they would stand after the request."""
    data = draft.data
    problems = Problems(draft.prefix)
    limits.check_message(problems, data, v2=v2)
    standing: Json = {
        "content": (data["content"] or "") if "content" in data else message.content,
        "embeds": (data["embeds"] or []) if "embeds" in data else message.embeds,
        "components": (data["components"] or []) if "components" in data else message.components,
    }
    if v2:
        extra = {key: data.get(key) for key in ("poll", "sticker_ids")}
        limits.check_v2_fields(problems, {**standing, **extra})
    problems.raise_if_any()
    limits.check_uploads(draft.uploads, draft.limit)
    return standing | {"content": standing["content"].strip()}


def _plan_files(message: Message, draft: Draft) -> tuple[list[StoredFile], list[_NewFile]]:
    """Which files stay, and which uploads come with what name and alt text."""
    listed = draft.data.get("attachments")
    if listed is None:
        return list(message.files), [_NewFile(upload) for upload in draft.uploads]
    present = {file.id: file for file in message.files}
    uploads = {_number(upload, n): upload for n, upload in enumerate(draft.uploads)}
    kept, fresh = [], []
    for entry in listed:
        wanted, words = str(forms.as_int(entry["id"])), entry.get("description")
        if wanted in present:
            old = present[wanted]
            kept.append(replace(old, description=words) if "description" in entry else old)
        elif wanted in uploads:
            upload = uploads[wanted]
            name = entry.get("filename") or upload.filename
            fresh.append(_NewFile(replace(upload, filename=name), words))
        else:
            raise errors.uploaded_file_not_found()
    return kept, fresh


def _number(upload: Upload, place: int) -> str:
    """`files[3]` is number 3; a part of any other name is known by its place."""
    found = re.fullmatch(r"files\[(\d+)\]", upload.field)
    return found[1] if found else str(place)


def _check_references(draft: Draft, kept: list[StoredFile], fresh: list[_NewFile]) -> None:
    """Every `attachment://name` names a file of the message."""
    known = {file.filename for file in kept}
    for new in fresh:
        known |= {new.upload.filename, safe_name(new.upload.filename)}
    problems = Problems(draft.prefix)
    for part in ("embeds", "components"):
        for name in sorted(set(_references(draft.data.get(part))) - known):
            words = f"The referenced attachment '{name}' was not found"
            code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
            problems.add((part,), code, words)
    problems.raise_if_any()


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key in _LINK_KEYS and isinstance(value, str) and value.startswith(_ATTACHMENT):
                yield value.removeprefix(_ATTACHMENT)
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _names(files: list[StoredFile], fresh: list[_NewFile]) -> dict[str, str]:
    """File names, as stored and as sent, to the ids of the files; the newest wins."""
    names = {file.filename: file.id for file in files}
    for new, file in zip(fresh, files[len(files) - len(fresh) :], strict=True):
        names[new.upload.filename] = file.id
    return names


def _marked(part: Any, names: dict[str, str]) -> Any:
    """A copy with `attachment://name` turned into the mark of the stored file."""
    if isinstance(part, list):
        return [_marked(value, names) for value in part]
    if not isinstance(part, dict):
        return part
    made = {key: _marked(value, names) for key, value in part.items()}
    for key in _LINK_KEYS:
        value = part.get(key)
        if isinstance(value, str) and value.startswith(_ATTACHMENT):
            made[key] = FILE_MARK + names[value.removeprefix(_ATTACHMENT)]
    return made


def _embed(embed: Json) -> Json:
    """An embed as Discord keeps it: known fields, nothing null, type rich."""
    kept = {key: embed[key] for key in _EMBED_FIELDS if embed.get(key) not in (None, "", [])}
    for part in ("footer", "author", "image", "thumbnail"):
        if isinstance(kept.get(part), dict):
            kept[part] = {k: v for k, v in kept[part].items() if v is not None}
    kept["fields"] = [
        {"name": f["name"], "value": f["value"], "inline": bool(f.get("inline"))}
        for f in kept.get("fields", ())
    ]
    return {"type": "rich", **kept}


def pruned(components: list[Json]) -> list[Json]:
    """A copy of components: the fields that Discord knows of each type, nothing null."""
    return [_pruned(component) for component in components]


def _pruned(component: Json) -> Json:
    known = FIELDS[component["type"]] | {"type", "id"}
    made = {k: _without_nulls(v) for k, v in component.items() if k in known and v is not None}
    if "components" in made:
        made["components"] = pruned(made["components"])
    for key in ("accessory", "component"):
        if key in made:
            made[key] = _pruned(made[key])
    return made


def _without_nulls(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_nulls(value) for value in part]
    if isinstance(part, dict):
        return {key: _without_nulls(value) for key, value in part.items() if value is not None}
    return part


def numbered(components: list[Json]) -> list[Json]:
    """Discord gives every component an id; the ones that were given stay."""
    nodes = list(walk(components))
    taken = {node["id"] for node in nodes if node.get("id")}
    free = (number for number in count(1) if number not in taken)
    for node in nodes:
        if not node.get("id"):
            node["id"] = next(free)
    return components
