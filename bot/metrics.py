"""Counters and clocks: every name that `/metrics` shows, declared in one list.

What happens is counted where it is known (`add`, `observe`); what stands somewhere already is
read when somebody asks (`watch`). Prometheus's text format is the only way out (`page`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

LOOP_PAUSE = 0.25
"""Seconds between two looks at how late the event loop is."""

# A second series per counter, which says when it began and which nobody asks for.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Measure:
    """One name. `label` tells its series apart. Seconds everywhere, `buckets` too.

    A measure with buckets is a histogram; one whose name ends in `_total` only ever grows; the
    others are gauges. `watched`: read when it is asked for.
    """

    name: str
    sentence: str
    label: str | None = None
    buckets: tuple[float, ...] = ()
    watched: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """As Prometheus's library takes them."""
        return (self.label,) if self.label else ()

    @property
    def grows(self) -> bool:
        """Whether it is a counter."""
        return self.name.endswith("_total")


_MINUTES = (60.0, 120.0, 300.0, 600.0)

WAITING = Measure("easel_jobs_waiting", "Jobs in line.", watched=True)
RUNNING = Measure("easel_jobs_running", "Jobs that a backend works on.", watched=True)
ENDED = Measure(
    "easel_jobs_ended_total",
    "Jobs that ended: painted, failed, cancelled or expired.",
    "outcome",
)
WAIT = Measure(
    "easel_job_wait_seconds",
    "From the order to the claim by a backend.",
    buckets=(1, 2, 5, 10, 20, 30, *_MINUTES, 1800, 3600, 7200),
)
PAINT = Measure(
    "easel_job_paint_seconds",
    "From the claim to the end on disk, of painted jobs.",
    "backend",
    buckets=(1, 2, 5, 10, 20, 30, *_MINUTES),
)
POST = Measure(
    "easel_job_post_seconds",
    "From the end on disk until the member's message says it.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, *_MINUTES),
)
BACKEND_UP = Measure(
    "easel_backend_up", "1 while jobs may be sent to it, 0 while not.", "backend", watched=True
)
PERMITS = Measure(
    "easel_quota_permits_total", "Requests that a quota has let through.", "quota", watched=True
)
QUOTA_WAIT = Measure(
    "easel_quota_wait_seconds_total",
    "How long requests have waited for their permits, together.",
    "quota",
    watched=True,
)
REFUSALS = Measure(
    "easel_quota_refusals_total",
    "Requests that were refused as too many (429, or 503 with Retry-After).",
    "quota",
    watched=True,
)
DISCORD_FAILED = Measure(
    "easel_discord_requests_failed_total",
    "Requests that Discord answered with 400 or above; none: it didn't answer.",
    "status",
)
LOOP_LAG = Measure(
    "easel_loop_lag_seconds",
    "How late the event loop came back to a task, asked four times a second.",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

MEASURES = (
    WAITING,
    RUNNING,
    ENDED,
    WAIT,
    PAINT,
    POST,
    BACKEND_UP,
    PERMITS,
    QUOTA_WAIT,
    REFUSALS,
    DISCORD_FAILED,
    LOOP_LAG,
)
"""All of them; README's table is held against this list."""


class Spending(Protocol):
    """What a quota knows of itself, counted since the start."""

    @property
    def permits(self) -> int:
        """Requests that were let through."""

    @property
    def seconds_waited(self) -> float:
        """By all of them together."""

    @property
    def refusals(self) -> int:
        """Requests that the far end refused."""


class Metrics:
    """The measures of one bot. Everything happens on its event loop."""

    content_type = prometheus_client.CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._watched = _Watched()
        self._registry.register(self._watched)
        prometheus_client.ProcessCollector(registry=self._registry)
        self._counters: dict[Measure, prometheus_client.Counter] = {}
        self._histograms: dict[Measure, prometheus_client.Histogram] = {}
        for measure in MEASURES:
            given = (measure.name, measure.sentence, measure.labels)
            if measure.buckets:
                self._histograms[measure] = prometheus_client.Histogram(
                    *given, buckets=measure.buckets, registry=self._registry
                )
            elif not measure.watched:
                self._counters[measure] = prometheus_client.Counter(*given, registry=self._registry)

    def add(self, measure: Measure, label: str, amount: float = 1.0) -> None:
        """One more of a counter; an `amount` of 0 shows its series before the first."""
        self._counters[measure].labels(label).inc(amount)

    def observe(self, measure: Measure, seconds: float, label: str | None = None) -> None:
        """One more time in a histogram; a clock that was set back counts as 0 seconds."""
        histogram = self._histograms[measure]
        (histogram.labels(label) if label else histogram).observe(max(0.0, seconds))

    def watch(self, measure: Measure, read: Callable[[], float], label: str | None = None) -> None:
        """`read` tells the present value whenever it is asked for; it must not block."""
        self._watched.readers[measure][label] = read

    def watch_quota(self, name: str, get_counts: Callable[[], Spending]) -> None:
        """The permits of one quota, as it counts them itself."""
        self.watch(PERMITS, lambda: get_counts().permits, name)
        self.watch(QUOTA_WAIT, lambda: get_counts().seconds_waited, name)
        self.watch(REFUSALS, lambda: get_counts().refusals, name)

    async def watch_loop(self) -> None:
        """Measures for ever how late the event loop comes back."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOP_PAUSE
            await asyncio.sleep(LOOP_PAUSE)
            self.observe(LOOP_LAG, loop.time() - due)

    def page(self) -> bytes:
        """All measures as they are now, of the type `content_type`."""
        return prometheus_client.generate_latest(self._registry)


class _Watched(Collector):
    """The measures that are read when they are asked for."""

    def __init__(self) -> None:
        self.readers: dict[Measure, dict[str | None, Callable[[], float]]] = {
            measure: {} for measure in MEASURES if measure.watched
        }

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Called by the registry for each page."""
        for measure, readers in self.readers.items():
            family = CounterMetricFamily if measure.grows else GaugeMetricFamily
            found = family(measure.name, measure.sentence, labels=measure.labels)
            for label, read in readers.items():
                found.add_metric([label] if label else [], read())
            yield found
