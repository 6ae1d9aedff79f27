"""What we have overridden on one server, so that what leaked is never taken for its own.

A fresh server keeps the first override of an option for good (contracts, sdapi trap 5): past
all later ones, which it puts back to that, and past a restart of ours. So its own values are
kept in memory that outlives us, beside all other values that we ever sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot import log
from bot.backends.base import Keeper
from bot.backends.sdapi_dialect import CHECKPOINT
from bot.errors import EaselError

MOST_VALUES = 100
"""How many values of one option are remembered."""

_log = log.get("sdapi")


class Overrides:
    """`own`: the server's own values. Without `memory` all is forgotten at the end."""

    def __init__(self, name: str, memory: Keeper | None = None) -> None:
        self.own: Mapping[str, Any] = {}
        self._sent: dict[str, list[Any]] = {}
        self._name = name
        self._memory = memory
        self._opened = memory is None
        self._kept: dict[str, str] = {}

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Every override that may have leaked, one by one."""
        return [{key: value} for key, values in self._sent.items() for value in values]

    async def open(self) -> None:
        """Recalls, once, what an earlier run knew. Raises DatabaseUnavailable."""
        if self._opened:
            return
        own, sent = await self._recall("options"), await self._recall("sent")
        self._opened = True
        self.own = own | dict(self.own)
        for key, values in sent.items():
            for value in values if isinstance(values, list) else []:
                self.sending({key: value})

    def sending(self, override: Mapping[str, Any]) -> None:
        """An order is about to be sent; the checkpoint is no option that we put back."""
        for key, value in override.items():
            values = self._sent.get(key, [])
            if key != CHECKPOINT and value != self.own.get(key) and value not in values:
                self._sent[key] = [*values, value][-MOST_VALUES:]

    async def found(self, own: Mapping[str, Any]) -> None:
        """A look at the server told its own values. One that is new was saved there by somebody:
        from then on the server puts back what we override, so that nothing leaks any more."""
        if not own:
            return
        changed = {key for key in self._sent if own.get(key) != self.own.get(key)}
        self._sent = {key: values for key, values in self._sent.items() if key not in changed}
        self.own = own
        await self.keep()

    async def keep(self) -> None:
        """Writes down what has changed; a disk that is full for a moment stops no picture."""
        for what, value in (("options", self.own), ("sent", self._sent)):
            text = json.dumps(value)
            if self._memory is None or self._kept.get(what, "{}") == text:
                continue
            try:
                await self._memory.remember(f"{what}:{self._name}", text)
                self._kept[what] = text
            except EaselError as error:
                _log.warning("overrides not kept", backend=self._name, error=str(error))

    async def _recall(self, what: str) -> dict[str, Any]:
        text = await self._memory.recall(f"{what}:{self._name}") if self._memory else None
        try:
            found = json.loads(text or "{}")
        except (ValueError, RecursionError):
            return {}
        self._kept[what] = text or "{}"
        return found if isinstance(found, dict) else {}
