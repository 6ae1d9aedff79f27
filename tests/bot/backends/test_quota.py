"""What one key may spend is spent once, by whichever backend, and submissions come first."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Any

import pytest

from bot.backends import quota as quotas_room
from bot.backends import registry
from bot.backends.quota import Priority, Quotas
from bot.settings import BackendSettings
from tests.bot.backends.gateway import gateway, paint_all, two_painters
from tests.bot.backends.permits import QUESTION, SUBMISSION, Clock, limited, send
from tests.bot.backends.tiny_server import backend_settings

# -- permits ---------------------------------------------------------------------------------------


async def test_a_burst_at_once_and_then_the_rate() -> None:
    quota = limited(rate=200, burst=13)
    given = [(await send(quota)).given for _ in range(30)]
    assert given[-1] - given[0] >= 19 / 200
    assert given[-1] - given[0] == pytest.approx(20 / 198, abs=0.5)
    assert quota.spent.permits == 30
    assert 1 <= quota.spent.waits <= 20, "ten of the burst did not wait: three are the margin"
    assert quota.spent.seconds_waited == pytest.approx(20 / 198, abs=0.5)


async def test_submissions_go_before_questions_and_each_in_order_of_asking() -> None:
    clock = Clock()
    quota = limited(rate=500, burst=1, clock=clock)
    clock.hold()
    await send(quota)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await send(quota, priority)
        order.append(name)

    asked = [("q1", QUESTION), ("s1", SUBMISSION), ("q2", QUESTION), ("s2", SUBMISSION)]
    asking = asyncio.gather(*(ask(*one) for one in asked))
    await asyncio.sleep(0)
    clock.go()
    await asking
    assert order == ["s1", "s2", "q1", "q2"]


async def test_a_question_is_not_passed_over_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pictures are wanted, somebody must be able to look whether all is well."""
    monkeypatch.setattr(quotas_room, "PASSED_OVER", 5)
    clock = Clock()
    quota = limited(rate=2000, burst=1, clock=clock)
    clock.hold()
    await send(quota)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await send(quota, priority)
        order.append(name)

    questions = [ask("q", QUESTION) for _ in range(2)]
    asking = asyncio.gather(*questions, *(ask("s", SUBMISSION) for _ in range(20)))
    await asyncio.sleep(0)
    clock.go()
    await asking
    assert "".join(order) == "sssssq" * 2 + "s" * 10


async def test_questions_leave_most_of_the_burst_to_submissions() -> None:
    """Fifty polls in a quiet moment, and the next fifty pictures would have to wait."""
    quota = limited(rate=1, burst=50)
    asking = [asyncio.create_task(send(quota, QUESTION)) for _ in range(50)]
    await asyncio.sleep(0.01)
    assert quota.spent.permits == 12
    for _ in range(30):
        await asyncio.wait_for(send(quota), 0.5)
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_what_has_not_left_yet_is_kept_free_for_it() -> None:
    """Two that take long to connect could arrive together with whatever was given meanwhile."""
    quota = limited(rate=100, burst=2)
    first, second = await quota.permit(SUBMISSION), await quota.permit(SUBMISSION)
    third = asyncio.create_task(send(quota))
    await asyncio.sleep(0.05)
    assert not third.done()
    first.left()
    second.left()
    left = time.monotonic()
    assert (await third).given - left >= 0.0099


async def test_a_permit_leaves_once_only() -> None:
    quota = limited(rate=100, burst=1)
    with await quota.permit(SUBMISSION) as permit:
        permit.left()
    began = time.monotonic()
    assert (await send(quota)).given - began <= 0.05


async def test_who_gives_up_waiting_has_spent_nothing() -> None:
    quota = limited(rate=20, burst=1)
    await send(quota)
    impatient = [asyncio.create_task(send(quota)) for _ in range(50)]
    await asyncio.sleep(0)
    for one in impatient:
        one.cancel()
    await asyncio.wait_for(send(quota), 1)  # the second permit, not the fifty-second
    assert quota.spent.permits == 2
    await asyncio.gather(*impatient, return_exceptions=True)


async def test_a_permit_that_comes_just_after_its_cancel_is_anothers() -> None:
    quota = limited(rate=1e7, burst=1)
    first = await quota.permit(SUBMISSION)
    unlucky, next_one = (asyncio.create_task(send(quota)) for _ in range(2))
    await asyncio.sleep(0)
    first.left()
    # It has been given the next permit by now; its task has not run again yet.
    unlucky.cancel()
    with pytest.raises(asyncio.CancelledError):
        await unlucky
    await asyncio.wait_for(next_one, 1)
    assert quota.spent.permits == 2


async def test_no_permit_is_lost_in_any_disorder() -> None:
    """Sixty tasks ask, give up and come again; in the end the quota is as good as new."""
    quota, dice = limited(rate=5000, burst=5), random.Random(7)

    async def restless() -> int:
        sent = 0
        for _ in range(20):
            try:
                asking = send(quota, dice.choice([SUBMISSION, QUESTION]))
                await asyncio.wait_for(asking, dice.choice([0, 0.0005, 0.002, 1]))
                sent += 1
            except TimeoutError:
                pass
        return sent

    sent = await asyncio.gather(*(restless() for _ in range(60)))
    assert 200 < sum(sent) < 1200
    # A request may have left just before whoever asked for it gave up.
    assert quota.spent.permits >= sum(sent)
    await asyncio.sleep(0.01)
    began = time.monotonic()
    given = [(await send(quota)).given for _ in range(5)]
    assert given[-1] - began < 0.05, "the whole burst is there again"


# -- who shares ------------------------------------------------------------------------------------


def cloud(name: str, url: str = "https://sd.example.com", **more: Any) -> BackendSettings:
    auth = {"auth": {"api_key": "k3y"}} if "auth" not in more else {}
    return backend_settings(url, name=name, **auth, **more)


SAME = [
    {"url": "https://SD.example.com:443/other/path"},
    {"url": "https://sd.example.com./"},
    {"rate": 5.0},
]
OTHER: list[dict[str, Any]] = [
    {"url": "https://sd.example.com:444"},
    {"url": "http://sd.example.com"},
    {"url": "https://eu.example.com"},
    {"auth": {"api_key": "other"}},
    {"auth": {"username": "bot", "password": "k3y"}},
    {"auth": {}},
]


@pytest.mark.parametrize("more", SAME)
def test_backends_with_the_same_host_and_key_share_a_quota(more: dict[str, Any]) -> None:
    quotas = Quotas()
    assert quotas.of(cloud("one")) is quotas.of(cloud("two", **more))
    assert len(list(quotas)) == 1


@pytest.mark.parametrize("more", OTHER)
def test_another_host_or_key_has_a_quota_of_its_own(more: dict[str, Any]) -> None:
    quotas = Quotas()
    assert quotas.of(cloud("one")) is not quotas.of(cloud("two", **more))
    assert [quota.name for quota in quotas] == ["one", "two"]


def test_a_user_has_one_quota_whatever_the_password() -> None:
    quotas = Quotas()
    ways = [{"username": "bot", "password": word} for word in ("new", "old")]
    first, second = (quotas.of(cloud(w["password"], auth=w)) for w in ways)
    assert first is second


def test_built_painters_share_what_they_are_handed() -> None:
    quotas = Quotas()
    one, two = (registry.build(cloud(name), quotas) for name in ("one", "two"))
    alone = registry.build(cloud("three"))
    assert one.quota is two.quota is not alone.quota


def test_of_different_limits_the_smaller_count_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    quotas = Quotas()
    quota = quotas.of(cloud("one", rate=30, burst=20))
    quotas.of(cloud("two", rate=30, burst=20))
    quotas.of(cloud("three"))
    assert caplog.text == ""
    for _ in range(2):
        quotas.of(cloud("four", rate=10, burst=50))
    assert (quota.rate, quota.burst) == (10, 20)
    (said,) = caplog.messages
    assert "different limits" in said
    assert "four" in said


def test_a_limit_that_one_of_them_names_holds_for_both() -> None:
    quotas = Quotas()
    quotas.of(cloud("one"))
    assert quotas.of(cloud("two", rate=3)).rate == 3
    assert quotas.of(cloud("one")).burst == 1


def test_no_key_is_kept_in_the_clear() -> None:
    quotas = Quotas()
    quota = quotas.of(cloud("one", auth={"api_key": "k3y-that-nobody-sees"}))
    assert "nobody-sees" not in repr((vars(quotas), vars(quota), *vars(quotas).values()))


# -- at a real gateway -----------------------------------------------------------------------------


async def test_two_painters_on_one_key_use_it_to_the_full_and_are_never_refused() -> None:
    """So few requests cannot reach the 1.03 of the benchmark: the margin alone is 1.07 here."""
    quotas = Quotas()
    async with (
        gateway(rate=30, burst=50, paint_seconds=0.2) as front,
        two_painters(front, 30, 50, [quotas, quotas]) as painters,
    ):
        done = await paint_all(painters, 110)
    assert [one for one in done if not isinstance(one, list)] == []
    assert front.refused == 0
    assert front.use() <= 1.25


async def test_without_a_common_quota_the_gateway_would_refuse() -> None:
    async with (
        gateway(rate=100, burst=50, paint_seconds=0.05) as front,
        two_painters(front, 100, 50, [Quotas(), Quotas()]) as painters,
    ):
        await paint_all(painters, 120)
    assert front.refused > 0
