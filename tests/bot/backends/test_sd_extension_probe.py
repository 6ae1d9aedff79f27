"""What the extension's middleware can do, asked without painting, in both generations."""

from __future__ import annotations

from typing import Any

import pytest

from bot.backends.registry import KINDS
from bot.backends.sd_extension import SdExtension
from bot.demo.servers.extension import Checkpoint, Endpoint
from bot.errors import (
    BackendBadAnswer,
    BackendRefused,
    BackendRejectedCredentials,
    BackendUnreachable,
)
from bot.values.ability import Lora, Model
from tests.bot.backends.painters import no_news
from tests.bot.backends.sd_extension_cloud import GENERATIONS, Cloud, cloud, source
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings

every = pytest.mark.parametrize("generation", GENERATIONS)
both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])


async def seen(server: Cloud, **changes: Any) -> Any:
    async with server.painter(**changes) as painter:
        return await painter.probe()


@every
async def test_a_probe_lists_what_members_may_choose(generation: str) -> None:
    async with cloud(generation) as server:
        ability = await seen(server)
        assert server.started == [], "a probe paints nothing"
    assert Model("dreamshaper_8", "dreamshaper_8.safetensors") in ability.models
    assert "half_uploaded" not in {m.name for m in ability.models}, "only active ones"
    assert "retired_v1" not in {m.name for m in ability.models}
    assert Lora("add_detail") in ability.loras
    assert {"easynegative", "bad-hands-5"} == set(ability.embeddings)
    assert "vae-ft-mse-840000-ema-pruned.safetensors" in ability.vaes
    assert set(ability.nets) == {("canny", "sd15"), ("pose", "sd15")}
    assert [s.name for s in ability.samplers][:2] == ["DPM++ 2M", "Euler a"]
    assert (ability.progress, ability.interrupt, ability.describe) == (False, False, False)
    assert (ability.switches_models, ability.loads, ability.step_pixels) == (True, False, 8)
    assert ability.upscale == (generation != "v1.3"), "the first one keeps no enlarged pictures"
    assert ability.warnings == ()


@every
async def test_the_generation_is_recognised_and_kept(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        await painter.ping()
        await painter.ping()
        pings = server.paths("GET")
    first = ["/ping", "/inference/test-connection"] if generation == "v1.3" else ["/ping"]
    assert pings == [*first, first[-1]]


async def test_a_generation_that_is_configured_is_not_guessed() -> None:
    async with cloud("v1.3") as server:
        await seen(server, extension={"generation": "classic"})
        assert "/ping" not in server.paths("GET")
        with pytest.raises(BackendBadAnswer, match="check url"):
            await seen(server, extension={"generation": "modern"})


@every
async def test_more_models_than_a_page_holds(generation: str) -> None:
    many = [Checkpoint("Stable-diffusion", (f"model_{n}.safetensors",)) for n in range(200)]
    async with cloud(generation, checkpoints=many) as server:
        ability = await seen(server)
        pages = len(server.paths("GET", "/checkpoints"))
    assert {m.name for m in ability.models} == {f"model_{n}" for n in range(200)}
    assert pages == (1 if generation == "v1.3" else 2), "a full last page has no next one"


async def test_more_endpoints_than_a_page_holds() -> None:
    many = [Endpoint(f"infer-{n}", status="Failed") for n in range(100)]
    async with cloud("v1.7", endpoints=[*many, Endpoint("the-last-one")]) as server:
        ability = await seen(server, extension={"endpoint": "the-last-one"})
    assert ability.warnings == ()


@both
async def test_files_of_one_name_stay_apart(generation: str) -> None:
    files = ("a.safetensors", "a.ckpt", "b.yaml", "b.safetensors")
    rows = [Checkpoint("Stable-diffusion", files)]
    async with cloud(generation, checkpoints=rows) as server:
        ability = await seen(server)
    assert {(m.name, m.title) for m in ability.models} == {
        ("a", "a.safetensors"),
        ("a.ckpt", "a.ckpt"),
        ("b", "b.safetensors"),
    }


@both
async def test_a_new_model_is_there_after_a_refresh(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        await painter.probe()
        server.service.checkpoints.append(Checkpoint("Stable-diffusion", ("new.safetensors",)))
        ability = await painter.refresh()
    assert "new" in {m.name for m in ability.models}
    assert painter.ability is ability


# -- what will hurt the operator -------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("endpoints", "section", "words"),
    [
        ([], {}, "no endpoint is in service; deploy one"),
        ([Endpoint("x", status="Creating")], {}, "no endpoint is in service"),
        ([Endpoint("x", status="Failed")], {"endpoint": "x"}, "the endpoint x is Failed"),
        ([Endpoint("x")], {"endpoint": "y"}, "there is no endpoint called y"),
    ],
)
async def test_a_missing_machine_is_told(
    generation: str, endpoints: list[Endpoint], section: dict[str, Any], words: str
) -> None:
    async with cloud(generation, endpoints=endpoints) as server:
        (warning,) = (await seen(server, extension=section)).warnings
    assert words in warning
    assert "no picture can be drawn until then" in warning


async def test_an_endpoint_of_the_other_type_is_told() -> None:
    async with cloud("v1.7") as server:
        slow = await seen(server, extension={"endpoint": "sd-real-time-demo"})
        quick = await seen(server, extension={"endpoint": "infer-endpoint-demo", "real_time": True})
    assert "set extension.real_time to true" in slow.warnings[0]
    assert "set extension.real_time to false" in quick.warnings[0]


async def test_the_first_generation_has_no_real_time() -> None:
    async with cloud("v1.3") as server:
        (warning,) = (await seen(server, extension={"real_time": True})).warnings
    assert "extension.real_time" in warning


@both
async def test_a_shelf_without_checkpoints_is_told(generation: str) -> None:
    async with cloud(generation, checkpoints=[]) as server:
        (warning,) = (await seen(server)).warnings
    assert "no active checkpoint is there for the user easel" in warning


async def test_who_may_draw_need_not_see_the_machines(server: TinyServer) -> None:
    right = {"statusCode": 200, "data": {"total": 0, "checkpoints": []}}
    words = "User easel has no permissions: ['sagemaker_endpoint:list']"
    server.table["GET /ping"] = Says({"statusCode": 200, "message": "pong"})
    server.table["GET /checkpoints"] = Says(right)
    server.table["GET /endpoints"] = Says({"statusCode": 403, "message": words}, 403)
    settings = backend_settings(server.url, kind="sd-extension", auth={"api_key": "k"})
    painter = SdExtension(settings)
    ability = await painter.probe()
    await painter.close()
    assert any("no endpoint is in service" in warning for warning in ability.warnings)


# -- keys, users, addresses ------------------------------------------------------------------------


@every
async def test_a_wrong_key(generation: str) -> None:
    wrong = {"api_key": "wrong"}
    async with cloud(generation) as server, server.painter(auth=wrong) as painter:
        with pytest.raises(BackendRejectedCredentials, match="Forbidden"):
            await painter.ping()
        with pytest.raises(BackendRejectedCredentials, match="Forbidden"):
            await painter.probe()


@every
async def test_an_unknown_user_is_named(generation: str) -> None:
    async with cloud(generation) as server:
        with pytest.raises(BackendRejectedCredentials, match=r"extension\.user"):
            await seen(server, extension={"user": "nobody"})


async def test_a_user_without_rights() -> None:
    async with cloud("v1.7") as server:
        with pytest.raises(BackendRejectedCredentials, match="User guest has no permissions"):
            await seen(server, extension={"user": "guest"})
    async with cloud("v1.3") as server:
        warnings = (await seen(server, extension={"user": "guest"})).warnings
    assert "no active checkpoint is there for the user guest" in warnings[0]


@both
@pytest.mark.parametrize("stage", ["", "/dev", "/prod/v1"])
async def test_a_wrong_stage_is_no_question_of_passwords(generation: str, stage: str) -> None:
    async with cloud(generation) as server:
        url = server.service.url.removesuffix("/prod") + stage
        with pytest.raises(BackendBadAnswer, match="check url, which needs the stage") as error:
            await seen(server, url=url)
    assert "password" not in error.value.sentence


async def test_nobody_is_there() -> None:
    async with cloud("v1.7") as server:
        settings = server.settings()
    painter = SdExtension(settings)
    with pytest.raises(BackendUnreachable):
        await painter.ping()
    await painter.close()


# -- what it can't do ------------------------------------------------------------------------------


async def test_it_describes_and_loads_nothing() -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        with pytest.raises(BackendRefused, match="describe"):
            await painter.describe(source(), "task", no_news)
        with pytest.raises(BackendRefused) as error:
            await painter.load("dreamshaper_8")
        await painter.forget("task")
        assert server.service.requests == []
    assert "with each picture" in error.value.sentence
    assert SdExtension.outlives
    assert KINDS.get("sd-extension", SdExtension) is SdExtension
