"""The cards of /backend: within Discord's limits whatever a service calls its things."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from bot.backends.steward import EndpointState
from bot.demo.discord.errors import Problems
from bot.demo.discord.limits import check_message
from bot.queue.health import State
from bot.queue.job import Status
from bot.studio.budget import Used
from bot.studio.idle import Idle
from bot.studio.owners import Report, Throttle
from bot.studio.search import whole
from bot.studio.stewards import Arrival, Machine, Rental
from cogs._ui import backends, machines
from cogs._ui.cards import Card
from tests.cogs.samples import job, request

LONG = "e" * 63
JOB = job(
    order=request(model="m" * 200),
    status=Status.FAILED,
    error_code="BackendOutOfMemory",
    error_ref="4f2a",
    started_at=1_000.0,
    ended_at=1_011.0,
)
REPORT = Report(
    name="b" * 32,
    kind="sd-extension",
    state=State.DOWN,
    since=1_000.0,
    why="The image server can't be reached right now.",
    drained=True,
    loaded="dreamshaper_8",
    models=12,
    waiting=3,
    running=1,
    recent=(JOB,) * 5,
    throttle=Throttle(30.0, 50, 120, 3, 1.5, 2),
    used=Used(12, 100),
    unasked="It took too long.",
    arriving=(Arrival("b", "new.safetensors", "Lora", 1_000.0),),
)


def machine(status: str = "InService", reason: str | None = None, name: str = LONG) -> Machine:
    state = EndpointState(name, status, "Async", "ml.g5.2xlarge", 2, time.time() - 7200, reason)
    return Machine(state, time.time() - 3600, 2.82)


def checked(card: Card) -> Card:
    rows = card.view.to_components() if card.view else []
    problems = Problems()
    body: dict[str, Any] = {"embeds": [card.embed.to_dict()], "components": rows}
    check_message(problems, body, v2=False)
    problems.raise_if_any()
    return card


def text(card: Card) -> str:
    return card.embed.description or ""


async def test_a_report_says_all_that_an_operator_asks() -> None:
    said = text(checked(backends.status([REPORT], None))).splitlines()
    assert said[0].startswith("🔴 **b")
    assert said[0].endswith("(sd-extension) down, since <t:1000:R> · ⏸️ drained")
    assert said[1:6] == [
        "⚠️ The image server can't be reached right now.",
        "**dreamshaper\\_8** is loaded · 12 models · 1 running, 3 waiting",
        "12 of today's 100 pictures are used",
        "30 a second, 50 at once · 120 requests, 3 of them waited 2 s together, 2 refused as too "
        "many",
        "⚠️ Its endpoints can't be seen: It took too long.",
    ]
    assert said[6] == "⏳ new.safetensors (Lora) was sent for <t:1000:R>"
    assert said[7].endswith("768×512 · 11 s · <@1001> · BackendOutOfMemory 4f2a")


@pytest.mark.parametrize("count", [1, 4, 12, 100])
async def test_any_number_of_backends_fits(count: int) -> None:
    rented = tuple(machine(reason="r" * 900) for _ in range(5))
    many = [replace(REPORT, machines=rented, recent=(JOB,) * 5) for _ in range(count)]
    assert text(checked(backends.status(many, None))).startswith("🔴")


async def test_an_endpoint_tells_its_hours_and_its_price() -> None:
    line = backends.machine_line(machine(name="esd"), time.time())
    assert line == (
        "🟢 **esd** InService · ml.g5.2xlarge × 2 · running for 2 h 0 min · idle for 1 h 0 min · "
        "$2.82 per hour"
    )
    failed = backends.machine_line(machine("Failed", "no *quota*", "esd"), time.time())
    assert failed.startswith("🔴 **esd** Failed")
    assert failed.endswith("\nno \\*quota\\*")
    assert "$" not in failed


@pytest.mark.parametrize("count", [0, 1, 40])
async def test_any_number_of_endpoints_and_types_fits(count: int) -> None:
    prices = {f"ml.g5.{n}xlarge": 1.5 for n in range(count)}
    found = [machine(reason="r" * 900, name=f"{LONG[:60]}{n}") for n in range(count)]
    checked(machines.endpoints("b" * 32, found, prices, "A word."))


async def test_the_longest_names_come_back_from_the_buttons() -> None:
    asked = checked(machines.sure_to_delete("b" * 32, LONG))
    pressed = backends.pressed(_ids(asked)[0])
    assert pressed is not None
    assert (pressed.action, pressed.backend) == ("undeploy", "b" * 32)
    assert whole(pressed.what, ["x", LONG]) == LONG
    kind = "ml." + "g" * 80
    asked = checked(machines.sure_to_deploy(Rental("b" * 32, kind, 25, 100, 35.25)))
    pressed = backends.pressed(next(i for i in _ids(asked) if ":deploy:" in i))
    assert pressed is not None
    count, _, what = pressed.what.partition("/")
    assert (count, whole(what, [kind])) == ("25", kind)


def _ids(card: Card) -> list[str]:
    assert card.view is not None
    return [c["custom_id"] for row in card.view.to_components() for c in row["components"]]


async def test_ids_of_others_are_not_ours() -> None:
    assert backends.pressed("line:see:mine") is None
    assert backends.pressed("own:x") is None


@pytest.mark.parametrize("running", [0, 1, 3])
async def test_the_other_cards_fit(running: int) -> None:
    name = "b" * 32
    checked(backends.drained(name, True, running, 2))
    checked(backends.drained(name, False, running, 2))
    assert "12 models, +2" in text(checked(backends.refreshed(name, 10, 12)))
    assert "1 model, as before" in text(checked(backends.refreshed(name, 1, 1)))
    arrival = Arrival(name, "f" * 300, "Stable-diffusion", 1_000.0)
    checked(machines.arriving(arrival, there=False))
    checked(machines.arriving(arrival, there=True))
    checked(machines.switched("f" * 300, "Lora", name, enabled=True))
    checked(machines.unseen(name, "It can't be reached."))
    letter = text(checked(machines.unused(Idle(name, machine(), 7300.0))))
    assert "has drawn nothing for 2 h 1 min. It costs about $2.82 per hour." in letter


def test_an_order_is_under_way_until_the_list_says_its_end() -> None:
    assert machines.deployed("esd", [])[1]
    assert machines.deployed("esd", [machine("Creating", name="esd")])[1]
    assert machines.deployed("esd", [machine(name="esd")]) == ("🟢 **esd** is in service.", False)
    assert machines.deployed("esd", [machine("Failed", "no", "esd")])[0].startswith("🔴")
    assert machines.deleted("esd", [machine("Deleting", name="esd")])[1]
    assert machines.deleted("esd", []) == ("🗑️ **esd** is deleted.", False)
