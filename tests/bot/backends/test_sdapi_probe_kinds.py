"""The probe and the many kinds of servers: strict ones, ControlNet, scripts, all at once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiohttp import web

from bot import throttle
from bot.backends.http import Answer, Http
from bot.backends.sdapi_dialect import ControlNet, Dialect
from bot.backends.sdapi_probe import Found, Probe
from bot.errors import BackendBadAnswer, BackendError, BackendRejectedCredentials
from bot.values.ability import Ability, Lora
from tests.bot.backends.painters import OPTIONS, PROGRESS, TASKS
from tests.bot.backends.tiny_server import (
    NOT_FOUND,
    Says,
    TinyServer,
    backend_settings,
    connected,
)

SAMPLERS, LORAS = "GET /sdapi/v1/samplers", "GET /sdapi/v1/loras"
SCRIPTS, FACES = "GET /sdapi/v1/scripts", "GET /sdapi/v1/face-restorers"
NETS, MODULES = "GET /controlnet/model_list", "GET /controlnet/module_list"
ROOT = "GET /"
STRICT = Ability(
    step_pixels=64, switches_models=False, second_pass=False, clip_skip=False, drops_loras=True
)


@pytest.fixture
def a1111(server: TinyServer) -> TinyServer:
    """The least of A1111: options and progress."""
    server.table = {
        OPTIONS: Says({"sd_model_checkpoint": None, "CLIP_stop_at_last_layers": 1}),
        PROGRESS: Says({"progress": 0.0, "state": {}}),
    }
    return server


async def look(
    url: str, before: Dialect | None = None, sent: dict[str, Any] | None = None, **settings: Any
) -> Found:
    known = before or Dialect()
    async with connected(url, **settings) as http:
        return await Probe(http, backend_settings(url, **settings)).ask(known, [sent or {}])


class Quiet:
    """A strict server at any address, without a network."""

    async def get(self, path: str) -> Answer:
        return Answer(200 if path == "/" else 404, "application/json", b"{}")


# -- all at once -----------------------------------------------------------------------------------


async def test_listings_are_asked_together_but_never_many_at_once(a1111: TinyServer) -> None:
    """A server has 40 threads for all of its clients (trap 18); 15 in a row would be slow."""
    running, most = 0, 0

    async def slowly(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return NOT_FOUND.response()

    for path in (
        "sd-models",
        "samplers",
        "schedulers",
        "upscalers",
        "loras",
        "embeddings",
        "sd-vae",
    ):
        a1111.table[f"GET /sdapi/v1/{path}"] = slowly
    await look(a1111.url)
    assert 2 <= most <= 4


async def test_each_listing_is_asked_for_once_and_nothing_is_generated(a1111: TinyServer) -> None:
    await look(a1111.url)
    asked = a1111.paths("GET")
    assert len(asked) == len(set(asked)) == 17
    assert a1111.paths("POST") == ["/internal/progress"]
    assert "/sdapi/v1/progress?skip_current_image=true" in asked, "a preview costs the server"


async def test_after_a_closed_door_nothing_goes_on_in_secret(a1111: TinyServer) -> None:
    """What still ran would open a connection that nobody closes."""

    async def slowly(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return NOT_FOUND.response()

    a1111.table |= {OPTIONS: Says({}, 401), SAMPLERS: slowly, LORAS: slowly}
    before = asyncio.all_tasks()
    with pytest.raises(BackendRejectedCredentials):
        await look(a1111.url)
    asked = len(a1111.asked)
    await asyncio.sleep(0.05)
    assert len(a1111.asked) == asked < 15
    assert not [t for t in asyncio.all_tasks() - before if "Probe" in repr(t)]


# -- strict servers --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"model": "sd15.ckpt", "steps": 20}, {}, b'\n  {"seed": -1}'])
async def test_a_server_that_tells_only_its_configuration_is_strict(
    server: TinyServer, body: Any
) -> None:
    """Draw Things: every listing is 404 (sdapi 10)."""
    server.table = {ROOT: Says(body)}
    found = await look(server.url)
    assert (found.ability, found.by_task) == (STRICT, False)
    assert found.dialect == Dialect(minimal=True, wide=False, batch=None)


async def test_what_a_strict_server_refused_once_is_remembered(server: TinyServer) -> None:
    server.table = {ROOT: Says({})}
    found = await look(server.url, Dialect(unwanted=frozenset({"sampler_name"})))
    assert found.dialect.unwanted == {"sampler_name"}


@pytest.mark.parametrize(
    "says",
    [
        Says("<html>Gradio</html>", content_type="text/html"),
        Says("[1, 2]"),
        Says("ok", content_type="text/plain"),
        Says({"detail": "Not Found"}, 404),
        Says({"detail": "Internal Server Error"}, 500),
        Says(b""),
    ],
    ids=["a page", "a list", "a text", "nothing", "a failure", "silence"],
)
async def test_anything_else_at_the_root_is_no_image_server(server: TinyServer, says: Says) -> None:
    server.table = {ROOT: says}
    with pytest.raises(BackendBadAnswer, match="--api"):
        await look(server.url)


async def test_a_broken_api_is_not_taken_for_a_strict_server(server: TinyServer) -> None:
    server.table = {ROOT: Says({}), OPTIONS: Says(b"oops", 500, "text/plain")}
    with pytest.raises(BackendError) as caught:
        await look(server.url)
    assert "--api" not in str(caught.value)


async def test_one_listing_is_enough_to_be_no_strict_server(server: TinyServer) -> None:
    server.table = {ROOT: Says({}), SAMPLERS: Says([{"name": "Euler"}])}
    found = await look(server.url)
    assert not found.dialect.minimal
    assert [s.name for s in found.ability.samplers] == ["Euler"]
    assert ROOT not in server.paths()


# -- the A1111 family, and those that only speak alike ---------------------------------------------


async def test_the_family_is_told_by_its_progress(a1111: TinyServer) -> None:
    found = await look(a1111.url)
    assert (found.dialect.wide, found.ability.switches_models) == (True, True)
    assert (found.ability.second_pass, found.ability.clip_skip) == (True, True)
    assert found.dialect.own == {"CLIP_stop_at_last_layers": 1}
    del a1111.table[PROGRESS]
    found = await look(a1111.url)
    assert (found.dialect.wide, found.ability.switches_models) == (False, False)
    assert (found.ability.second_pass, found.ability.clip_skip) == (False, False)
    assert (found.dialect.own, found.ability.step_pixels) == ({}, 64)


@pytest.mark.parametrize(
    ("family", "schedulers", "key"),
    [
        (True, Says([]), "n_iter"),
        (True, NOT_FOUND, "n_iter"),
        (False, Says([{"name": "karras", "label": "karras"}]), "batch_size"),
        (False, NOT_FOUND, None),
    ],
)
async def test_how_several_pictures_are_asked_for(
    a1111: TinyServer, family: bool, schedulers: Says, key: str | None
) -> None:
    """stable-diffusion.cpp lists schedulers and takes batches, KoboldCpp neither (sdapi 10)."""
    a1111.table["GET /sdapi/v1/schedulers"] = schedulers
    if not family:
        del a1111.table[PROGRESS]
    assert (await look(a1111.url)).dialect.batch == key


async def test_tasks_are_told_apart_in_web_ui_mode_only(a1111: TinyServer) -> None:
    """`--nowebui` has no /internal/progress (trap 13)."""
    assert not (await look(a1111.url)).by_task
    a1111.table[TASKS] = Says({"active": False, "queued": False, "completed": False})
    assert (await look(a1111.url)).by_task
    a1111.table[TASKS] = Says("<html>", content_type="text/html")
    assert not (await look(a1111.url)).by_task


async def test_forge_is_told_by_its_modules(a1111: TinyServer) -> None:
    assert not (await look(a1111.url)).dialect.forge
    a1111.table[OPTIONS] = Says({"forge_additional_modules": ["/m/VAE/ae.safetensors"]})
    a1111.table["GET /sdapi/v1/sd-modules"] = Says(
        [{"model_name": "ae.safetensors", "filename": "/x"}, {"model_name": "clip_l.safetensors"}]
    )
    found = await look(a1111.url)
    assert found.dialect.forge
    assert found.dialect.own == {"forge_additional_modules": ["/m/VAE/ae.safetensors"]}
    assert found.ability.vaes == ("ae.safetensors",)


LISTED = [{"name": "detail", "alias": "Detail", "path": "detail.st"}]


@pytest.mark.parametrize(
    ("wide", "says", "loras", "drops", "paths"),
    [
        (True, Says(LISTED), (Lora("detail", "Detail"),), False, {}),
        (True, Says([]), (), True, {}),
        (True, NOT_FOUND, (), False, {}),
        (
            False,
            Says(LISTED),
            (Lora("detail", "Detail"),),
            False,
            {"detail": "detail.st", "Detail": "detail.st"},
        ),
        (False, Says([]), (), True, {}),
        (False, NOT_FOUND, (), True, {}),
    ],
)
async def test_whether_a_tag_would_be_dropped(
    a1111: TinyServer,
    wide: bool,
    says: Says,
    loras: tuple[Lora, ...],
    drops: bool,
    paths: dict[str, str],
) -> None:
    """stable-diffusion.cpp takes LoRAs by path alone, KoboldCpp none at all (sdapi 10)."""
    a1111.table[LORAS] = says
    if not wide:
        del a1111.table[PROGRESS]
    found = await look(a1111.url)
    assert (found.ability.loras, found.ability.drops_loras) == (loras, drops)
    assert found.dialect.lora_paths == paths


async def test_what_leaked_between_two_looks_is_not_taken_for_the_servers_own(
    a1111: TinyServer,
) -> None:
    first = await look(a1111.url)
    a1111.table[OPTIONS] = Says({"CLIP_stop_at_last_layers": 2})
    again = await look(a1111.url, first.dialect, {"CLIP_stop_at_last_layers": 2})
    assert again.dialect.own == {"CLIP_stop_at_last_layers": 1}


# -- ControlNet ------------------------------------------------------------------------------------


async def test_control_net_is_offered_where_it_has_models(a1111: TinyServer) -> None:
    a1111.table[NETS] = Says({"model_list": ["None", "sd15_canny [1]", "sd15_openpose [2]"]})
    a1111.table[MODULES] = Says({"module_list": ["None", "canny", "dw_openpose_full"]})
    found = await look(a1111.url)
    assert found.ability.controls == ("canny", "pose")
    assert found.dialect.controls == {
        "canny": ControlNet("canny", ("sd15_canny [1]",)),
        "pose": ControlNet("dw_openpose_full", ("sd15_openpose [2]",)),
    }
    assert "/controlnet/module_list?alias_names=true" in a1111.paths(), "labels suit Forge too"


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500, 503])
async def test_what_stands_outside_the_api_never_closes_it(
    a1111: TinyServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway may let nothing through but /sdapi/v1: that is no wrong password."""
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.001)
    a1111.table[NETS] = a1111.table[MODULES] = a1111.table[TASKS] = Says({"detail": "no"}, status)
    assert (await look(a1111.url)).ability.controls == ()


async def test_a_page_in_the_place_of_control_net_is_none(a1111: TinyServer) -> None:
    a1111.table[NETS] = Says("<html>", content_type="text/html")
    assert (await look(a1111.url)).ability.controls == ()


# -- scripts ---------------------------------------------------------------------------------------


async def test_adetailer_is_a_way_of_face_restoration_where_it_is_installed(
    a1111: TinyServer,
) -> None:
    a1111.table[FACES] = Says([{"name": "CodeFormer", "cmd_dir": "/x"}, {"name": "GFPGAN"}])
    assert (await look(a1111.url)).ability.faces == ("CodeFormer", "GFPGAN")
    a1111.table[SCRIPTS] = Says({"txt2img": ["adetailer"], "img2img": []})
    assert (await look(a1111.url)).ability.faces == ("CodeFormer", "GFPGAN", "ADetailer")


PAYLOAD = {
    "alwayson_scripts": {"ADetailer": {"args": []}, "Dynamic Thresholding": {"args": []}},
    "script_name": "X/Y/Z plot",
}
MODELS: dict[str, Any] = {"pony*": {"payload": {"alwayson_scripts": {"FreeU": {"args": []}}}}}


async def test_a_script_in_the_payload_that_is_not_there_is_warned_of(a1111: TinyServer) -> None:
    """It is a 422 for every picture (sdapi, errors)."""
    a1111.table[SCRIPTS] = Says({"txt2img": ["adetailer", "x/y/z plot"], "img2img": []})
    found = await look(a1111.url, payload=PAYLOAD, models=MODELS)
    assert [w.split("'")[1] for w in found.ability.warnings] == ["Dynamic Thresholding", "FreeU"]


@pytest.mark.parametrize("says", [NOT_FOUND, Says([]), Says(b"oops", 500)])
async def test_without_a_list_of_scripts_nothing_is_warned_of(
    a1111: TinyServer, says: Says
) -> None:
    a1111.table[SCRIPTS] = says
    assert (await look(a1111.url, payload=PAYLOAD)).ability.warnings == ()


@pytest.mark.parametrize(
    ("url", "auth", "words"),
    [
        ("http://8.8.8.8:7860", {}, "open to the internet"),
        ("http://8.8.8.8:7860", {"bearer": "k"}, "in the clear"),
        ("https://8.8.8.8", {"bearer": "k"}, None),
        ("http://192.168.1.9:7860", {}, None),
        ("http://gpu.example:7860", {}, None),
    ],
)
async def test_a_server_that_is_open_to_the_internet_is_warned_of(
    url: str, auth: dict[str, str], words: str | None
) -> None:
    probe = Probe(cast(Http, Quiet()), backend_settings(url, auth=auth))
    warnings = (await probe.ask(Dialect())).ability.warnings
    assert (warnings == ()) if words is None else words in warnings[0]
