"""What /metrics shows: every name is in README's table, and each moves when it should."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import metrics as room
from bot.metrics import (
    BACKEND_UP,
    ENDED,
    LOOP_LAG,
    MEASURES,
    PAINT,
    POST,
    Measure,
    Metrics,
)

README = Path(__file__).parents[2] / "README.md"


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    """The series of one name, by what follows the name."""
    lines = re.findall(rf"^{name}(\S*) (\S+)$", metrics.page().decode(), re.MULTILINE)
    return {rest: float(value) for rest, value in lines}


@dataclass
class Spent:
    """Stands for what a quota counts."""

    permits: int = 0
    seconds_waited: float = 0.0
    refusals: int = 0


def test_readme_tells_every_name_and_no_other() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- metrics -->")[2].partition("<!-- metrics end -->")[0]
    told = re.findall(r"^\| `(\w+)(?:\{(\w+)\})?` \| (.+) \|$", table, re.MULTILINE)
    assert told == [(m.name, m.label or "", m.sentence) for m in MEASURES]


def test_names_follow_prometheus_habits() -> None:
    assert len({m.name for m in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        assert re.fullmatch(r"easel_[a-z]+(_[a-z]+)*", measure.name)
        assert measure.name.endswith("_seconds") == bool(measure.buckets), "the unit of a clock"
        assert list(measure.buckets) == sorted(set(measure.buckets))
        assert measure.sentence.endswith(".")


def test_a_counter_grows_by_label_and_may_begin_at_nothing() -> None:
    metrics = Metrics()
    metrics.add(ENDED, "failed", 0)
    metrics.add(ENDED, "painted")
    metrics.add(ENDED, "painted")
    assert shown(metrics, "easel_jobs_ended_total") == {
        '{outcome="failed"}': 0,
        '{outcome="painted"}': 2,
    }


def test_a_clock_sorts_times_into_its_buckets() -> None:
    metrics = Metrics()
    for seconds in (3, 9, 9):
        metrics.observe(PAINT, seconds, "attic")
    found = shown(metrics, PAINT.name)
    assert found['_bucket{backend="attic",le="2.0"}'] == 0
    assert found['_bucket{backend="attic",le="5.0"}'] == 1
    assert found['_bucket{backend="attic",le="10.0"}'] == 3
    assert (found['_count{backend="attic"}'], found['_sum{backend="attic"}']) == (3, 21)


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    metrics = Metrics()
    metrics.observe(POST, -3600)
    assert (shown(metrics, POST.name)["_count"], shown(metrics, POST.name)["_sum"]) == (1, 0)


def test_what_stands_elsewhere_is_read_each_time() -> None:
    metrics, up = Metrics(), {"attic": True}
    metrics.watch(BACKEND_UP, lambda: up["attic"], "attic")
    assert shown(metrics, BACKEND_UP.name) == {'{backend="attic"}': 1}
    up["attic"] = False
    assert shown(metrics, BACKEND_UP.name) == {'{backend="attic"}': 0}


def test_a_quota_is_shown_as_it_counts_itself() -> None:
    metrics, spent = Metrics(), Spent()
    metrics.watch_quota("cloud", lambda: spent)
    spent.permits, spent.seconds_waited, spent.refusals = 12, 2.5, 1
    found = {m: shown(metrics, m.name) for m in (room.PERMITS, room.QUOTA_WAIT, room.REFUSALS)}
    assert list(found.values()) == [{'{quota="cloud"}': n} for n in (12, 2.5, 1)]


def test_two_bots_in_one_process_count_for_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.add(ENDED, "painted")
    assert shown(other, ENDED.name) == {}


def test_nothing_is_shown_that_is_not_declared() -> None:
    text = Metrics().page().decode()
    named = set(re.findall(r"^# TYPE (easel_\S+) ", text, re.MULTILINE))
    assert named == {m.name for m in MEASURES}


async def test_a_loop_that_is_held_up_is_seen_to_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOOP_PAUSE", 0.01)
    metrics = Metrics()
    watching = asyncio.create_task(metrics.watch_loop())
    await asyncio.sleep(0.05)
    calm = shown(metrics, LOOP_LAG.name)
    time.sleep(0.12)
    await asyncio.sleep(0.05)
    watching.cancel()
    late = shown(metrics, LOOP_LAG.name)
    assert calm["_count"] >= 1
    assert over(late, "0.1") > over(calm, "0.1")


def over(found: dict[str, float], bound: str) -> float:
    """How many times were above a bucket's bound."""
    return found['_bucket{le="+Inf"}'] - found[f'_bucket{{le="{bound}"}}']


def test_a_measure_knows_what_it_is() -> None:
    assert Measure("easel_x_total", "x").grows
    assert not Measure("easel_x", "x").grows
    assert Measure("easel_x", "x", "backend").labels == ("backend",)
