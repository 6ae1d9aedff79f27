"""API Gateway's request models: what is refused before any lambda runs.

The words are those of the gateway's JSON schema validator. v1.5 to v1.7 pass them on; the first
generation answers "Invalid request body" (its models: only for endpoints).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.answers import GatewayError
from bot.demo.servers.extension.generation import Generation

_NAMES: Final = {str: "string", dict: "object", list: "array", bool: "boolean", int: "integer"}
_LONG_TEXT: Final = 200_000
_NAMES_OF_VALUES: Final = {**_NAMES, float: "number", type(None): "null"}


@dataclass(frozen=True)
class Model:
    """Keys that must be there, what they and others must be, and which values are allowed."""

    required: tuple[str, ...] = ()
    types: Mapping[str, type] = field(default_factory=dict)
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def faults(self, body: Any) -> list[str]:
        """Every violation, in the validator's words."""
        if not isinstance(body, dict):
            return [_wrong_type(body, dict)]
        missing = sorted(key for key in self.required if key not in body)
        found = []
        if missing:
            found.append(f"object has missing required properties ({_listed(missing)})")
        for key, kind in self.types.items():
            if key in body and not _is_a(body[key], kind):
                found.append(_wrong_type(body[key], kind))
        for key, allowed in self.enums.items():
            if key in body and body[key] not in allowed:
                given, values = json.dumps(body[key]), _listed(allowed)
                found.append(
                    f"instance value ({given}) not found in enum (possible values: {values})"
                )
        return found


async def body_of(
    request: web.Request, generation: Generation, model: Model | None = None
) -> dict[str, Any]:
    """The JSON object of a request; raises ``GatewayError`` (400) for anything else."""
    text = await request.text()
    try:
        body = await loaded(text) if text else {}
    except ValueError as error:
        raise _invalid(generation, "Invalid request body") from error
    faults = (model or Model()).faults(body)
    if faults:
        words = "Invalid request body" if generation.classic else f"[{', '.join(faults)}]"
        raise _invalid(generation, words)
    checked: dict[str, Any] = body
    return checked


async def loaded(text: str | bytes) -> Any:
    """The value of a JSON text, read aside if it is long; raises ``ValueError``."""
    if len(text) < _LONG_TEXT:
        return json.loads(text)
    return await asyncio.to_thread(json.loads, text)


def _invalid(generation: Generation, words: str) -> GatewayError:
    more = {} if generation.classic else {"statusCode": 400}
    return GatewayError(400, "BadRequestException", words, **more)


def _wrong_type(value: Any, kind: type) -> str:
    given = _NAMES_OF_VALUES[type(value)]
    return (
        f"instance type ({given}) does not match any allowed primitive type "
        f"(allowed: {_listed([_NAMES[kind]])})"
    )


def _is_a(value: Any, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


def _listed(words: Any) -> str:
    return json.dumps(list(words), separators=(",", ":"))
