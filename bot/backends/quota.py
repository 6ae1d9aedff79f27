"""What a key may spend at its host, shared by all backends that use the same two.

A gateway counts requests per key, not per backend. So whoever sends asks the one `Quota` of its
key for a permit, just before each request: submissions come before questions (polls, listings),
each in order of asking, and most of the burst is kept for them. A refusal (429) slows all.
`Quotas` knows which backends share.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from bot import log
from bot.settings import BackendSettings
from bot.throttle import Brake, Throttle

PASSED_OVER = 200
"""After so many submissions a waiting question has its turn: none waits for ever."""
KEPT_FOR_SUBMISSIONS = 0.75
"""The share of the burst that questions leave alone: pictures are wanted many at a time."""

_PORTS = {"http": 80, "https": 443}
_log = log.get("quota")


class Priority(Enum):
    """SUBMISSION: a request that paints. QUESTION: all others."""

    SUBMISSION = "submission"
    QUESTION = "question"


@dataclass
class Spent:
    """Counters since the start. `waits`: permits that were not there at once, `seconds_waited`
    in all for them; `refusals`: 429, or 503 with a Retry-After."""

    permits: int = 0
    waits: int = 0
    seconds_waited: float = 0.0
    refusals: int = 0


class Permit:
    """The right to send one request at once: `with` it around the sending.

    `given` is when, by the quota's clock. Until the request has `left`, its share is kept free.
    """

    def __init__(self, given: float, sent: Callable[[], None]) -> None:
        self.given = given
        self._sent = sent
        self._kept = True

    def left(self) -> None:
        """The request is on its way; the end of the block says so at the latest."""
        if self._kept:
            self._kept = False
            self._sent()

    def __enter__(self) -> Permit:
        return self

    def __exit__(self, *_: object) -> None:
        self.left()


_Line = OrderedDict[asyncio.Future[Permit], None]
"""Those who wait, in order of asking; whoever gives up leaves it at once."""


class Quota:
    """One key at one host. `name` is that of its first backend; it holds no secret.

    Without a rate nothing waits, but refusals slow it all the same. `clock` is in seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.rate = math.inf
        self.burst = sys.maxsize
        self.spent = Spent()
        self._clock = clock
        self._throttle = Throttle(self.rate, self.burst)
        self._brake = Brake()
        self._submissions: _Line = OrderedDict()
        self._questions: _Line = OrderedDict()
        self._passed = 0
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, rate: float, burst: int) -> None:
        """At most `rate` requests a second and `burst` at once; of several limits the least."""
        self.rate, self.burst = min(self.rate, rate), min(self.burst, burst)
        self._throttle.limit(self.rate, self.burst)

    def held(self) -> float:
        """Seconds for which nobody gets a permit, because the server refused; 0.0 otherwise."""
        return self._brake.wait(self._clock())

    async def permit(self, priority: Priority) -> Permit:
        """Waits until one request may be sent, which must follow at once.

        Whoever is cancelled while waiting has spent nothing.
        """
        line = self._questions if priority is Priority.QUESTION else self._submissions
        asked = self._clock()
        turn: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        line[turn] = None
        self._give()
        if turn.done():
            return turn.result()
        try:
            permit = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                line.pop(turn, None)
            else:
                self.spent.permits -= 1
                self._throttle.give_back()
                self._give()
            raise
        self.spent.waits += 1
        self.spent.seconds_waited += max(0.0, permit.given - asked)
        return permit

    def slow(self, retry_after: float | None, permit: Permit) -> None:
        """The server refused the request that had this permit: all must wait.

        Until `retry_after` (seconds) has passed, or if that is None, for a random time of up to
        1 s, that doubles to 60 s while refusals go on. The burst is spent afterwards: whoever
        refused has counted more requests than we know of.
        """
        self.spent.refusals += 1
        now = self._clock()
        if not self._brake.slow(now, permit.given, retry_after, random.random()):
            return
        held = self._brake.wait(now)
        self._throttle.drain(now + held)
        _log.warning(
            "quota refused, all of it waits",
            quota=self.name,
            seconds=round(held, 2),
            retry_after=retry_after,
        )

    def eased(self, permit: Permit) -> None:
        """The request that had this permit was not refused."""
        self._brake.eased(permit.given)

    def _sent(self) -> None:
        self._throttle.left(self._clock())
        self._give()

    def _give(self) -> None:
        """Gives what there is, to whoever is first; and comes back when there will be more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._anybody():
            now = self._clock()
            keep = 0.0 if self._submissions or self._overdue() else KEPT_FOR_SUBMISSIONS
            if wait := self._brake.wait(now) or self._throttle.take(now, keep):
                self._come_back(wait)
                return
            self.spent.permits += 1
            turn, _ = self._next_line().popitem(last=False)
            turn.set_result(Permit(now, self._sent))

    def _come_back(self, wait: float) -> None:
        if wait < math.inf:
            self._timer = asyncio.get_running_loop().call_later(wait, self._give)

    def _anybody(self) -> bool:
        for line in (self._submissions, self._questions):
            # A cancelled task has not run yet, and so has not left the line itself.
            while line and next(iter(line)).done():
                line.popitem(last=False)
        return bool(self._submissions or self._questions)

    def _next_line(self) -> _Line:
        if not self._submissions or self._overdue():
            self._passed = 0
            return self._questions
        self._passed = self._passed + 1 if self._questions else 0
        return self._submissions

    def _overdue(self) -> bool:
        return bool(self._questions) and self._passed >= PASSED_OVER


class Quotas:
    """All quotas of this process: one for each host and key, or user, or neither."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, str], Quota] = {}
        self._backends: dict[str, Quota] = {}
        # Keys are told apart by a digest that means nothing outside of this process.
        self._salt = secrets.token_bytes(16)

    def __iter__(self) -> Iterator[Quota]:
        return iter(self._known.values())

    def of(self, settings: BackendSettings) -> Quota:
        """The quota that a backend spends; of limits that differ, the smaller ones count."""
        if settings.name in self._backends:
            return self._backends[settings.name]
        quota = self._known.setdefault(self._account(settings), Quota(settings.name))
        self._backends[settings.name] = quota
        if settings.rate is not None:
            self._limit(quota, settings.rate, settings.burst or 1, settings.name)
        return quota

    def _limit(self, quota: Quota, rate: float, burst: int, backend: str) -> None:
        differs = quota.rate < math.inf and (quota.rate, quota.burst) != (rate, burst)
        quota.limit(rate, burst)
        if differs:
            _log.warning(
                "two backends share a key, and give it different limits; the smaller count",
                backend=backend,
                quota=quota.name,
                rate=quota.rate,
                burst=quota.burst,
            )

    def _account(self, settings: BackendSettings) -> tuple[str, str, int, str]:
        parts, auth = urlsplit(settings.url), settings.auth
        port = parts.port or _PORTS[parts.scheme]
        secret = auth.api_key or auth.bearer
        who = secret.get_secret_value() if secret is not None else auth.username or ""
        raw = who.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(raw, key=self._salt, digest_size=16).hexdigest()
        return parts.scheme, (parts.hostname or "").rstrip("."), port, digest
