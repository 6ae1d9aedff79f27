"""Breaking things on purpose: the next matching REST calls are refused, cut, delayed or hung.

Rules are used in the order given, each `times` times. What may be asked is the `fail` of the
page API; tests call `fail` in process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.demo.discord.errors import Refusal
from bot.demo.discord.ratelimits import limited

Action = int | Literal["reset", "hang"] | None


@dataclass
class Fault:
    """One rule. `status` None only delays; `after_apply` makes the change first and then breaks
    the answer; `via` false leaves the `Via` header out, as Cloudflare's own 429 does."""

    method: str | None
    path: re.Pattern[str]
    times: int
    status: Action
    code: int
    message: str
    via: bool
    retry_after: float
    delay: float
    after_apply: bool

    def refusal(self) -> Refusal:
        """The answer of a fault whose status is a number."""
        status = self.status if isinstance(self.status, int) else 500
        if status == 429:
            words = self.message or "You are being rate limited."
            return limited(self.retry_after, code=self.code, message=words)
        words = self.message or f"{status}: {_REASONS.get(status, 'Error')}"
        return Refusal(status, self.code, words)


_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Faults:
    """The rules that wait to be used."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self.used = 0

    def fail(
        self,
        path: str,
        *,
        method: str | None = None,
        times: int = 1,
        status: Action = None,
        code: int = 0,
        message: str = "",
        via: bool = True,
        retry_after: float = 1.0,
        delay: float = 0.0,
        after_apply: bool = False,
    ) -> None:
        """Break the next `times` REST calls whose path (without `/api/v10`) holds a match of the
        regular expression `path`. Times are in seconds.

        Raises:
            ValueError: no such action, `times` under 1, or a bad regular expression.
        """
        if isinstance(status, str) and status not in ("reset", "hang"):
            raise ValueError(f"no such fault: {status!r}")
        if isinstance(status, int) and not 400 <= status <= 599:
            raise ValueError("a fault's status is 400 to 599")
        if times < 1:
            raise ValueError("times is at least 1")
        try:
            pattern = re.compile(path)
        except re.error as error:
            raise ValueError(f"bad path pattern: {error}") from error
        self._rules.append(
            Fault(
                method=method.upper() if method else None,
                path=pattern,
                times=int(times),
                status=status,
                code=int(code),
                message=str(message),
                via=bool(via),
                retry_after=float(retry_after),
                delay=float(delay),
                after_apply=bool(after_apply),
            )
        )

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, used up by one."""
        for rule in self._rules:
            if rule.method in (None, method) and rule.path.search(path):
                rule.times -= 1
                if not rule.times:
                    self._rules.remove(rule)
                self.used += 1
                return rule
        return None

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()
