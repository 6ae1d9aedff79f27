"""/backend on a service whose machines are rented: deploying, deleting, model files, idling.

The service is the demo's middleware of the AWS extension; what takes minutes there takes a
moment here, and so do the looks at it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.database.tables import jobs
from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.extension.tables import Endpoint
from bot.errors import Refusal
from bot.settings.file import Auth
from bot.studio.idle import IdleWatch
from cogs._ui import following
from tests.bot.backends.sd_extension_cloud import ENDPOINT, Cloud, cloud, hurry
from tests.house import House, open_house, words

ADMIN = 1180000000000000013
DEPLOY = {
    "types": ["ml.g5.2xlarge", "ml.g4dn.xlarge"],
    "max_instances": 2,
    "usd_per_hour": {"ml.g5.2xlarge": 1.41, "ml.g4dn.xlarge": 0.74},
    "idle_hours": 2,
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EDIT_SECONDS", 0.05)
    hurry(monkeypatch)


@asynccontextmanager
async def rented(
    folder: Path, *, deploy: dict[str, Any] | None = DEPLOY, **service: Any
) -> AsyncIterator[tuple[House, DemoExtension]]:
    """A house that draws on a rented service, which is called `cloud`."""
    async with cloud("v1.7", **({"endpoints": [Endpoint(ENDPOINT)]} | service)) as opened:

        def there(house: House) -> None:
            house.environment = {"owner_ids": (ADMIN,)}
            house.backend = _settings(opened, deploy)

        async with open_house(folder, before=there) as house:
            world = house.standin.world
            await house.until(lambda: bool(world.commands.all(world.guild_id)))
            yield house, opened.service


def _settings(opened: Cloud, deploy: dict[str, Any] | None) -> dict[str, Any]:
    made = opened.settings()
    return {
        "name": "cloud",
        "kind": made.kind,
        "url": made.url,
        "auth": Auth(api_key=made.auth.api_key),
        "extension": made.extension,
        "deploy": deploy,
    }


async def shown(house: House, *lines: str) -> dict[str, Any]:
    """The message that the last of some lines of the owner's has led to."""
    result = (await house.say(*lines, user="admin"))[-1]
    assert result.message is not None, result.reason
    return result.message


async def becomes(house: House, message: dict[str, Any], text: str) -> str:
    """Waits until a message of the owner's says so; all that it says then."""
    await house.until(lambda: text in words(house.message(message["id"], user="admin")))
    return words(house.message(message["id"], user="admin"))


async def test_deploying_tells_its_price_first_and_is_followed_to_its_end(tmp_path: Path) -> None:
    async with rented(tmp_path, endpoints=(), deploy_seconds=0.8) as (house, service):
        listed = await shown(house, "/backend endpoints")
        assert "There are no endpoints." in words(listed)
        asked = await shown(house, "/backend endpoints", "select ml.g5.2xlarge")
        assert "This costs about $1.41 per hour while it runs" in words(asked)
        two = await shown(house, "/backend endpoints", "select ml.g5.2xlarge", "select 2 instances")
        assert "Deploy 2 × **ml.g5.2xlarge**" in words(two)
        assert "about $2.82 per hour" in words(two)
        assert not service.endpoints, "nothing is rented before it is confirmed"
        told = await shown(
            house,
            *("/backend endpoints", "select ml.g5.2xlarge", "select 2 instances"),
            "press Yes, deploy",
        )
        (made,) = service.endpoints
        said = await becomes(house, told, "is in service")
        assert made.max_instances == "2"
        assert f"🟢 **{made.name}** InService · ml.g5.2xlarge × 1" in said
        assert "$1.41 per hour" in said, "the service has one instance running yet"
        history = (await shown(house, "/server"))["embeds"][0]["fields"][0]["value"]
        assert "backend cloud — → deploy 2 × ml.g5.2xlarge" in history


async def test_a_deployment_that_fails_says_why(tmp_path: Path) -> None:
    async with rented(tmp_path, endpoints=(), deploy_seconds=0.3) as (house, service):
        service.faults.add("deploy", reason="ResourceLimitExceeded: 0 instances of ml.g5.2xlarge")
        told = await shown(house, "/backend endpoints", "select ml.g5.2xlarge", "press Yes, deploy")
        said = await becomes(house, told, "could not be deployed")
        assert "ResourceLimitExceeded: 0 instances" in said
        again = words(await shown(house, "/backend status"))
        assert "ResourceLimitExceeded: 0 instances" in again


async def test_deleting_asks_first_and_tells_the_end(tmp_path: Path) -> None:
    async with rented(tmp_path) as (house, _):
        asked = await shown(house, "/backend endpoints", f"select {ENDPOINT}")
        assert f"Delete **{ENDPOINT}** of **cloud**?" in words(asked)
        kept = await shown(house, "/backend endpoints", f"select {ENDPOINT}", "press No")
        assert f"**{ENDPOINT}** InService" in words(kept)
        told = await shown(
            house, "/backend endpoints", f"select {ENDPOINT}", "press Yes, delete it"
        )
        await becomes(house, told, f"🗑️ **{ENDPOINT}** is deleted.")


async def test_nothing_is_deployed_without_a_word_in_the_settings(tmp_path: Path) -> None:
    async with rented(tmp_path, deploy=None) as (house, _):
        listed = await shown(house, "/backend endpoints")
        selects = [
            c["placeholder"]
            for row in listed["components"]
            for c in row["components"]
            if c["type"] == 3
        ]
        assert selects == ["Delete …"]
        with pytest.raises(Refusal, match="`deploy:` is not set for cloud"):
            house.easel.studio.owners.stewards.rental("cloud", "ml.g5.2xlarge")


async def test_status_tells_hours_running_and_idle(tmp_path: Path) -> None:
    async with rented(tmp_path) as (house, service):
        service.endpoints[0].started = moment(hours=3 + 1 / 60)
        service.endpoints[0].instance_type = "ml.g4dn.xlarge"
        said = words(await shown(house, "/backend status"))
        assert "running for 3 h 1 min · idle for 3 h 1 min · $0.74 per hour" in said
        await house.draw("/draw prompt:a fox width:64 height:64 steps:2")
        await house.quiet()
        said = words(await shown(house, "/backend status"))
        assert "running for 3 h 1 min · idle for " in said
        assert "idle for 3 h" not in said


async def test_an_idle_endpoint_is_told_once_and_again_after_another_job(tmp_path: Path) -> None:
    async with rented(tmp_path) as (house, service):
        watch = await watching(house)
        await watch.look()
        assert not letters(house)
        await later(house, service, hours=2.5)
        await watch.look()
        await house.until(lambda: len(letters(house)) == 1)
        assert (
            f"💤 **{ENDPOINT}** of **cloud** has drawn nothing for 2 h 30 min" in letters(house)[0]
        )
        assert "$1.41 per hour" in letters(house)[0]
        await (await watching(house)).look()
        await house.draw("/draw prompt:a fox width:64 height:64 steps:2")
        await house.quiet()
        await watch.look()
        assert len(letters(house)) == 1, "it was used just now"
        await later(house, service, hours=2.2)
        await watch.look()
        await house.until(lambda: len(letters(house)) == 2)


async def watching(house: House) -> IdleWatch:
    """A watch as the house has one, that looks when the test says so."""
    easel = house.easel
    owners = easel.studio.owners

    def tell(idle: Any) -> None:
        easel.bot.dispatch("endpoint_idle", idle)

    return IdleWatch(easel.painters, owners.stewards, easel.facts, tell)


async def later(house: House, service: DemoExtension, *, hours: float) -> None:
    """All that has happened, happened so much earlier."""
    earlier = hours * 3600
    await house.easel.database.step(
        lambda c: c.execute(update(jobs).values(ended_at=jobs.c.ended_at - earlier))
    )
    service.endpoints[0].started = moment(hours)


def moment(hours: float) -> str:
    """So many hours ago, as the service's rows tell it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - hours * 3600))


def letters(house: House) -> list[str]:
    """What the owner was told in private."""
    return [words(message) for message in house.shown("dm", "admin")]


async def test_a_model_file_arrives_and_can_be_drawn_with(tmp_path: Path) -> None:
    async with rented(tmp_path, upload_seconds=1.5) as (house, _):
        told = await shown(
            house,
            "/backend checkpoint add url:https://example.com/newModel_v2.safetensors?token=secret",
        )
        assert "⏳ **newModel\\_v2.safetensors** (Stable-diffusion) is on its way" in words(told)
        status = await shown(house, "/backend status")
        assert "newModel\\_v2.safetensors (Stable-diffusion) was sent for" in words(status)
        await becomes(house, told, "✅ **newModel\\_v2.safetensors**")
        await house.until(
            lambda: "sent for" not in words(house.message(status["id"], user="admin"))
        )
        assert "newModel_v2" in house.easel.studio.painters.all_models()
        history = (await shown(house, "/server"))["embeds"][0]["fields"][0]["value"]
        assert "newModel" in history
        assert "secret" not in history


async def test_a_link_that_is_none_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async with rented(tmp_path) as (house, service):
        before = len(service.checkpoints)
        for link, why in (
            ("http://example.com/x.safetensors", "must begin with https://"),
            ("https://me:secret@example.com/x.safetensors", "hold no password"),
            ("https://example.com/", "one model file"),
        ):
            told = await house.refused(f"/backend checkpoint add url:{link}", user="admin")
            assert why in told
        assert len(service.checkpoints) == before


async def test_a_checkpoint_is_disabled_and_enabled_by_what_is_suggested(tmp_path: Path) -> None:
    async with rented(tmp_path) as (house, service):
        (offered,) = await suggested(house, "disable", "dreamshaper")
        assert offered["name"].startswith("dreamshaper_8")
        told = await shown(house, f"/backend checkpoint disable name:{offered['value']}")
        assert "🚫 Members can no longer choose **dreamshaper" in words(told)
        row = next(c for c in service.checkpoints if c.id == offered["value"])
        assert row.status == "Disabled"
        (disabled,) = await suggested(house, "enable", "dreamshaper")
        assert disabled["value"] == offered["value"]
        told = await shown(house, "/backend checkpoint enable name:dreamshaper")
        assert "✅ Members can choose **dreamshaper" in words(told)
        assert row.status == "Active"
        assert not await suggested(house, "disable", "", user="ada")


async def suggested(
    house: House, command: str, typed: str, user: str = "admin"
) -> list[dict[str, Any]]:
    """What is completed while a name is typed."""
    option = {"name": "name", "type": 3, "value": typed, "focused": True}
    sub = {"name": command, "type": 1, "options": [option]}
    group = {"name": "checkpoint", "type": 2, "options": [sub]}
    data = {"name": "backend", "type": 1, "options": [group]}
    where = {"user": user, "channel": "easel", "type": 4, "data": data}
    try:
        outcome = await house.standin.interact(where)
    except ValueError:
        return []
    return list(outcome["choices"] or ())
