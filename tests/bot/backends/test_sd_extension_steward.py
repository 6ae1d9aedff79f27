"""What owners do to endpoints and models, in both generations."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.backends.sd_extension import SdExtension
from bot.backends.sd_extension_api import endpoint_of
from bot.backends.steward import CheckpointState, Steward
from bot.demo.servers.extension import Checkpoint, Endpoint
from bot.errors import (
    BackendFailed,
    BackendRefused,
    BackendRejectedCredentials,
    BackendUnreachable,
)
from tests.bot.backends.cloud import Slip
from tests.bot.backends.sd_extension_cloud import (
    Cloud,
    cloud,
    hurry,
    order,
    painted,
    until,
)

both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])
LINK = "https://models.example/files/paper%20cut.safetensors?download=true"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def test_the_painter_is_a_steward() -> None:
    assert issubclass(SdExtension, Steward)


# -- endpoints -------------------------------------------------------------------------------------


@both
async def test_endpoints_as_they_are(generation: str) -> None:
    rows = [
        Endpoint("awake", instances="2"),
        Endpoint("broken", status="Failed", error="the limit is 0"),
        Endpoint("gone", status="Deleted"),
    ]
    async with cloud(generation, endpoints=rows) as server, server.painter() as painter:
        found = {state.name: state for state in await painter.endpoints()}
    assert set(found) == {"awake", "broken"}
    awake, broken = found["awake"], found["broken"]
    assert (awake.status, awake.type, awake.instances) == ("InService", "Async", 2)
    assert awake.instance_type == (None if generation == "v1.3" else "ml.g5.2xlarge")
    assert awake.started_at is not None
    assert abs(awake.started_at - time.time()) < 60
    assert (broken.status, broken.reason) == ("Failed", "the limit is 0")


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"endpoint_name": "e", "status": "success"}, "InService"),
        ({"endpoint_name": "e", "status": "deleted"}, "Deleted"),
        ({"endpoint_name": "e", "status": "failed", "endpoint_status": None}, "Failed"),
        ({"endpoint_name": "e"}, "Creating"),
    ],
)
def test_old_rows_have_other_words(row: dict[str, Any], status: str) -> None:
    state = endpoint_of(row)
    assert state is not None
    assert state.status == status
    assert (state.instances, state.started_at) == (None, None)
    assert endpoint_of({"status": "success"}) is None


@both
async def test_an_endpoint_is_deployed_drawn_on_and_given_back(generation: str) -> None:
    async with cloud(generation, endpoints=[]) as server, server.painter() as painter:
        name = await painter.deploy("ml.g5.2xlarge", 1, "fox")
        assert name.endswith("-fox")
        row = server.service.endpoint(name)
        assert (row.status, row.instance_type) == ("Creating", "ml.g5.2xlarge")
        await until(lambda: row.status == "InService")
        (found,) = await painted(painter, order(), Slip())
        assert server.service.submitted[0]["endpoint"] == name
        await painter.undeploy(name)
        assert await painter.endpoints() == []
    assert found.seed == 42


@both
async def test_a_deployment_without_a_name_gets_one(generation: str) -> None:
    async with cloud(generation, endpoints=[]) as server, server.painter() as painter:
        name = await painter.deploy("ml.g5.2xlarge", 1, None)
        assert server.service.endpoint(name).name == name


@both
async def test_each_role_may_have_one_endpoint(generation: str) -> None:
    """The first one is the Designers', so the second is the operators' alone."""
    async with cloud(generation) as server, server.painter() as painter:
        name = await painter.deploy("ml.g5.2xlarge", 1, "second")
        row = server.service.endpoint(name)
        if generation == "v1.7":
            assert list(row.owner) == ["IT Operator"]
        with pytest.raises(BackendRefused) as error:
            await painter.deploy("ml.g5.2xlarge", 1, "third")
    assert "one for each role" in error.value.sentence


async def test_a_deployment_that_fails_says_why() -> None:
    async with cloud("v1.7", endpoints=[]) as server, server.painter() as painter:
        server.service.faults.add("deploy")
        name = await painter.deploy("ml.g5.2xlarge", 1, None)
        await until(lambda: server.service.endpoint(name).status == "Failed")
        (state,) = await painter.endpoints()
    assert state.reason is not None
    assert "service limit" in state.reason


@both
async def test_real_time_settings_deploy_a_real_time_endpoint(generation: str) -> None:
    section = {"real_time": True}
    async with cloud(generation, endpoints=[]) as server:
        async with server.painter(extension=section) as painter:
            name = await painter.deploy("ml.g5.2xlarge", 1, None)
        kind = server.service.endpoint(name).type
    assert kind == ("Async" if generation == "v1.3" else "Real-time")


@both
async def test_an_endpoint_that_is_not_there(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        with pytest.raises(BackendRefused) as error:
            await painter.undeploy("nobody")
        assert server.paths("DELETE") == []
    assert error.value.sentence == "There is no such endpoint."


async def test_a_guest_may_not() -> None:
    guest = {"user": "guest"}
    async with cloud("v1.7") as server, server.painter(extension=guest) as painter:
        with pytest.raises(BackendRejectedCredentials):
            await painter.deploy("ml.g5.2xlarge", 1, None)
    async with cloud("v1.3", endpoints=[]) as server, server.painter(extension=guest) as painter:
        with pytest.raises(BackendRejectedCredentials, match="no permission"):
            await painter.deploy("ml.g5.2xlarge", 1, None)


# -- models ----------------------------------------------------------------------------------------


@both
async def test_models_page_by_page(generation: str) -> None:
    rows = [Checkpoint("Lora", (f"lora_{n}.safetensors",)) for n in range(5)]
    rows.append(Checkpoint("VAE", ("old.pt",), "Disabled"))
    async with cloud(generation, checkpoints=rows) as server, server.painter() as painter:
        first = await painter.checkpoints(per_page=4)
        second = await painter.checkpoints(2, per_page=4)
        assert await painter.checkpoints(3, per_page=4) == []
    assert len(first) == 4
    assert {state.name for state in first + second} == {row.names[0] for row in rows}
    (old,) = [s for s in first + second if s.type == "VAE"]
    assert old == CheckpointState(rows[-1].id, "old.pt", "VAE", "Disabled")


async def state_of(server: Cloud, painter: SdExtension, name: str) -> CheckpointState:
    found = [s for s in await painter.checkpoints(per_page=1000) if s.name == name]
    return found[0]


@both
async def test_a_model_from_the_web(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        name = await painter.add_checkpoint(LINK, "Lora")
        assert name == "paper cut.safetensors"
        count = len(server.service.checkpoints)
        ability = await painter.probe()
        assert count == len(server.service.checkpoints)
    assert any("paper" in lora.name for lora in ability.loras)


@both
async def test_a_model_is_switched_off_and_on(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        name = "dreamshaper_8.safetensors"
        state = await state_of(server, painter, name)
        await painter.set_checkpoint(state.id, enabled=False)
        assert (await state_of(server, painter, name)).status == "Disabled"
        assert "dreamshaper_8" not in {m.name for m in (await painter.probe()).models}
        await painter.set_checkpoint(state.id, enabled=True)
        assert (await state_of(server, painter, name)).status == "Active"
        with pytest.raises(BackendRefused):
            await painter.set_checkpoint("nobody", enabled=True)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (LINK, "Something"),
        ("file:///etc/passwd", "Lora"),
        ("https://models.example/", "Lora"),
        ("models.example/a.safetensors", "Lora"),
    ],
)
async def test_what_cannot_be_fetched(url: str, kind: str) -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        with pytest.raises(BackendRefused) as error:
            await painter.add_checkpoint(url, kind)
        assert server.service.requests == []
    assert error.value.sentence != BackendRefused.default_sentence


@both
async def test_a_link_to_no_model_file(generation: str) -> None:
    """The first generation says so at once, the second tells nobody."""
    async with cloud(generation) as server, server.painter() as painter:
        adding = painter.add_checkpoint("https://models.example/page.html", "Lora")
        if generation == "v1.3":
            with pytest.raises(BackendFailed, match="invalid urls"):
                await adding
        else:
            assert await adding == "page.html"


async def test_a_large_model_takes_longer_than_the_gateway_waits() -> None:
    async with cloud("v1.3") as server, server.painter() as painter:
        await painter.probe()
        server.service.faults.add("accepted_504", route="upload_checkpoint")
        await painter.add_checkpoint(LINK, "Lora")
        server.service.faults.add("status", status=502, route="upload_checkpoint")
        with pytest.raises(BackendUnreachable):
            await painter.add_checkpoint(LINK, "Lora")
