"""Rate limits as clients meet them: headers with every answer, 429 when they are ignored.

Discord does not publish the numbers; those here are what is seen in practice (contract, section
8 "Rates"): five per two seconds for each interaction token, five per five seconds for messages
of each channel, fifty a second for the bot's token, interactions excepted.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from bot.demo.discord.clock import Clock
from bot.demo.discord.errors import Refusal

_KEPT_WINDOWS = 5_000


@dataclass(frozen=True)
class Rule:
    """`limit` requests in `seconds`, counted for each method and each matched key."""

    name: str
    methods: frozenset[str]
    path: re.Pattern[str]
    limit: int
    seconds: float


_WRITES = frozenset({"POST", "PATCH", "DELETE", "GET"})
RULES = (
    Rule("webhook", _WRITES, re.compile(r"^/webhooks/\d+/([^/]+)"), 5, 2.0),
    Rule("send", frozenset({"POST"}), re.compile(r"^/channels/(\d+)/messages$"), 5, 5.0),
    Rule("edit", frozenset({"PATCH"}), re.compile(r"^/channels/(\d+)/messages/\d+$"), 5, 5.0),
    Rule("delete", frozenset({"DELETE"}), re.compile(r"^/channels/(\d+)/messages/\d+$"), 5, 1.0),
)
GLOBAL_LIMIT, GLOBAL_SECONDS = 50, 1.0


@dataclass
class _Window:
    ends: float
    left: int


class RateLimits:
    """Counts requests; `enabled` false lets everything through, without headers."""

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, method: str, path: str, *, by_token: bool) -> dict[str, str]:
        """Count one request; returns the headers for its answer. `path` has no `/api/v10`.

        Raises:
            Refusal: 429 with `retry_after` seconds.
        """
        if not self.enabled:
            return {}
        if by_token:
            everything = self._window(("global", ""), GLOBAL_LIMIT, GLOBAL_SECONDS)
            if everything.left <= 0:
                raise limited(everything.ends - self._clock.now(), everywhere=True)
            everything.left -= 1
        for rule in RULES:
            found = rule.path.match(path)
            if found and method in rule.methods:
                return self._count(rule, found[1])
        return {}

    def _count(self, rule: Rule, key: str) -> dict[str, str]:
        window = self._window((rule.name, key), rule.limit, rule.seconds)
        if window.left <= 0:
            raise limited(window.ends - self._clock.now(), headers=self._headers(rule, window))
        window.left -= 1
        return self._headers(rule, window)

    def _window(self, key: tuple[str, str], limit: int, seconds: float) -> _Window:
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._forget(now)
            window = self._windows[key] = _Window(now + seconds, limit)
        return window

    def _forget(self, now: float) -> None:
        if len(self._windows) > _KEPT_WINDOWS:
            self._windows = {k: w for k, w in self._windows.items() if w.ends > now}

    def _headers(self, rule: Rule, window: _Window) -> dict[str, str]:
        after = max(0.0, window.ends - self._clock.now())
        bucket = hashlib.sha256(rule.name.encode()).hexdigest()[:32]
        return {
            "X-RateLimit-Limit": str(rule.limit),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{self._clock.wall() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": bucket,
        }


def limited(
    retry_after: float,
    *,
    everywhere: bool = False,
    headers: dict[str, str] | None = None,
    code: int = 0,
    message: str = "You are being rate limited.",
) -> Refusal:
    """Discord's 429; the `Via` header of all answers tells it from Cloudflare's."""
    wait = max(0.001, round(retry_after, 3))
    told = {
        **(headers or {}),
        "Retry-After": str(math.ceil(wait)),
        "X-RateLimit-Scope": "global" if everywhere else "user",
    }
    if everywhere:
        told["X-RateLimit-Global"] = "true"
    extra = {"retry_after": wait, "global": everywhere}
    return Refusal(429, code, message, extra=extra, headers=told)
