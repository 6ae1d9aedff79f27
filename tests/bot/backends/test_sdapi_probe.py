"""What a server can do is asked once, and anything but txt2img may be missing."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bot.backends import registry
from bot.backends.http import Answer, Http
from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import (
    BackendBadAnswer,
    BackendError,
    BackendRejectedCredentials,
    BackendUnreachable,
    ConfigurationError,
)
from bot.values.ability import Ability, Lora, Model, Sampler, Scheduler
from tests.bot.backends.painters import painter
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings, tiny_server

OPTIONS, MODELS = "GET /sdapi/v1/options", "GET /sdapi/v1/sd-models"
SAMPLERS, SCHEDULERS = "GET /sdapi/v1/samplers", "GET /sdapi/v1/schedulers"
PROGRESS, TASKS = "GET /sdapi/v1/progress", "POST /internal/progress"
UPSCALERS, LATENT = "GET /sdapi/v1/upscalers", "GET /sdapi/v1/latent-upscale-modes"
LORAS, EMBEDDINGS = "GET /sdapi/v1/loras", "GET /sdapi/v1/embeddings"
VAES, FACES = "GET /sdapi/v1/sd-vae", "GET /sdapi/v1/face-restorers"
SCRIPTS = "GET /sdapi/v1/scripts"
NETS, MODULES = "GET /controlnet/model_list", "GET /controlnet/module_list"
UPSCALE, DESCRIBE = "GET /sdapi/v1/extra-single-image", "GET /sdapi/v1/interrogate"
IDLE = {"progress": 0.0, "eta_relative": 0.0, "state": {"job": "", "job_count": 0}}
NO_TASK = {"active": False, "queued": False, "completed": False, "progress": None}


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """A whole, small server: everything that is asked for has an answer."""
    server.table = {
        OPTIONS: Says(
            {
                "samples_format": "png",
                "sd_model_checkpoint": "tinyA.st [6d45d56d23]",
                "CLIP_stop_at_last_layers": 1,
            }
        ),
        MODELS: Says(
            [
                {"title": "tinyA.st [6d45d56d23]", "model_name": "tinyA", "hash": "6d45d56d23"},
                {"title": "tiny B, v1.5.st", "model_name": "tiny B, v1.5", "hash": None},
            ]
        ),
        SAMPLERS: Says([{"name": "Euler a", "aliases": ["k_euler_a"], "options": {}}]),
        SCHEDULERS: Says([{"name": "karras", "label": "Karras"}]),
        PROGRESS: Says(IDLE),
        TASKS: Says(NO_TASK),
        UPSCALERS: Says([{"name": "None", "scale": 4}, {"name": "Lanczos", "model_path": "/x"}]),
        LATENT: Says([{"name": "Latent"}]),
        LORAS: Says([{"name": "detail", "alias": "Detail", "path": "/x", "metadata": {}}]),
        EMBEDDINGS: Says({"loaded": {"easy": {"step": 1}}, "skipped": {}}),
        VAES: Says([{"model_name": "kl-f8.pt", "filename": "/x"}]),
        FACES: Says([{"name": "CodeFormer", "cmd_dir": "/x"}]),
        SCRIPTS: Says({"txt2img": ["adetailer", "controlnet"], "img2img": ["adetailer"]}),
        NETS: Says({"model_list": ["control_v11p_sd15_canny [d14c016b]"]}),
        MODULES: Says({"module_list": ["none", "canny"]}),
        UPSCALE: Says({"detail": "Method Not Allowed"}, 405),
        DESCRIBE: Says({"detail": "Method Not Allowed"}, 405),
    }
    return server


async def probe(url: str, **settings: Any) -> Ability:
    async with painter(url, **settings) as backend:
        ability = await backend.probe()
        assert backend.ability is ability, "it is remembered"
        return ability


# -- the whole -------------------------------------------------------------------------------------


async def test_a_whole_server_tells_everything(server: TinyServer) -> None:
    assert await probe(server.url) == Ability(
        models=(
            Model("tinyA", "tinyA.st [6d45d56d23]", "6d45d56d23"),
            Model("tiny B, v1.5", "tiny B, v1.5.st", None),
        ),
        samplers=(Sampler("Euler a", ("k_euler_a",)),),
        schedulers=(Scheduler("karras", "Karras"),),
        upscalers=("None", "Lanczos"),
        latent_upscalers=("Latent",),
        loras=(Lora("detail", "Detail"),),
        embeddings=("easy",),
        vaes=("kl-f8.pt",),
        faces=("CodeFormer", "ADetailer"),
        nets=(("canny", "sd15"),),
        current_model="tinyA",
        progress=True,
        interrupt=True,
        upscale=True,
        describe=True,
        step_pixels=8,
        warnings=(),
    )


async def test_a_probe_never_generates_and_never_asks_for_secrets(server: TinyServer) -> None:
    """`cmd-flags` holds the password in clear (sdapi 6)."""
    await probe(server.url)
    asked = [*server.paths("GET"), *server.paths("POST")]
    assert not any("2img" in path or "cmd-flags" in path for path in asked)
    assert server.paths("POST") == ["/internal/progress"]


async def test_the_demo_server_is_understood() -> None:
    demo = DemoImageServer(workers=0, step_seconds=0.001)
    await demo.start()
    try:
        login = {"username": "demo", "password": "demo"}
        ability = await probe(demo.url, auth=login)
        with pytest.raises(BackendRejectedCredentials, match=r"401: .*Incorrect username or pass"):
            await probe(demo.url, auth=login | {"password": "wrong"})
        with pytest.raises(BackendRejectedCredentials, match=r"401: .*Not authenticated"):
            await probe(demo.url)
    finally:
        await demo.close()
    assert ability.current_model == "dreamshaper_8"
    assert "inkpunk, v2.0" in [m.name for m in ability.models]
    assert {"Euler a", "DPM++ 2M", "LCM"} <= {s.name for s in ability.samplers}
    assert Scheduler("sgm_uniform", "SGM Uniform") in ability.schedulers
    assert (ability.progress, ability.interrupt, ability.step_pixels) == (True, True, 8)


# -- what may be missing ---------------------------------------------------------------------------


@pytest.mark.parametrize("absent", [404, 405, 501])
@pytest.mark.parametrize(
    ("route", "lost"),
    [
        (OPTIONS, {"current_model": None, "clip_skip": False}),
        (MODELS, {"models": (), "current_model": None}),
        (SAMPLERS, {"samplers": ()}),
        (SCHEDULERS, {"schedulers": ()}),
        (TASKS, {}),
        (UPSCALERS, {"upscalers": ()}),
        (LATENT, {"latent_upscalers": ()}),
        (LORAS, {"loras": ()}),
        (EMBEDDINGS, {"embeddings": ()}),
        (VAES, {"vaes": ()}),
        (FACES, {"faces": ("ADetailer",)}),
        (SCRIPTS, {"faces": ("CodeFormer",)}),
        (NETS, {"nets": ()}),
        (MODULES, {"nets": ()}),
    ],
)
async def test_an_absent_route_is_an_ability_less(
    server: TinyServer, absent: int, route: str, lost: dict[str, Any]
) -> None:
    whole = await probe(server.url)
    server.table[route] = Says(b"", absent, "")
    found = await probe(server.url)
    for name in Ability.__dataclass_fields__:
        assert getattr(found, name) == lost.get(name, getattr(whole, name)), name


async def test_a_server_without_progress_is_of_another_family(server: TinyServer) -> None:
    """stable-diffusion.cpp and KoboldCpp: 404; their sizes are multiples of 64."""
    server.table[PROGRESS] = server.table[TASKS] = Says(b"", 404, "")
    ability = await probe(server.url)
    assert (ability.progress, ability.interrupt, ability.step_pixels) == (False, False, 64)


async def test_the_progress_of_tasks_alone_is_progress_too(server: TinyServer) -> None:
    server.table[PROGRESS] = Says(b"", 404, "")
    assert (await probe(server.url)).progress


async def test_stable_diffusion_cpp_as_recorded() -> None:
    async with tiny_server() as tiny:
        tiny.otherwise = Says(b"", 404, "")
        tiny.table = {
            OPTIONS: Says({"samples_format": "png", "sd_model_checkpoint": "random15"}),
            MODELS: Says(
                [
                    {
                        "config": None,
                        "filename": "random15.safetensors",
                        "hash": "8888888888",
                        "model_name": "random15",
                        "title": "random15",
                    }
                ]
            ),
            SAMPLERS: Says([{"aliases": ["euler"], "name": "euler", "options": {}}]),
            SCHEDULERS: Says([{"label": "karras", "name": "karras"}]),
        }
        ability = await probe(tiny.url)
    assert ability.models == (Model("random15", "random15", "8888888888"),)
    assert ability.current_model == "random15"
    assert ability.schedulers == (Scheduler("karras", "karras"),)


async def test_sd_next_as_read() -> None:
    """Samplers without aliases, schedulers without labels."""
    async with tiny_server() as tiny:
        tiny.table = {
            OPTIONS: Says({"sd_model_checkpoint": None}),
            MODELS: Says([{"title": "x [1]", "model_name": "x", "type": "safetensors"}]),
            SAMPLERS: Says([{"name": "Euler a", "options": {"order": 2}}]),
            SCHEDULERS: Says([{"name": "Karras", "cls": "x", "options": {}}]),
            PROGRESS: Says(IDLE | {"id": None}),
        }
        ability = await probe(tiny.url)
    assert ability.samplers == (Sampler("Euler a", ()),)
    assert ability.schedulers == (Scheduler("Karras", "Karras"),)
    assert ability.current_model is None


async def test_koboldcpp_without_an_image_model() -> None:
    async with tiny_server() as tiny:
        tiny.table = {OPTIONS: Says({"samples_format": "png", "sd_model_checkpoint": "inactive"})}
        tiny.table |= {MODELS: Says([]), SAMPLERS: Says([{"name": "Euler", "aliases": []}])}
        ability = await probe(tiny.url)
    assert (ability.models, ability.current_model) == ((), None)


# -- odd shapes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [None, {}, [], '"text"', 7, [None], [[]], ["x"], [{}], {"a": 1}])
async def test_listings_of_odd_shape_are_empty(server: TinyServer, odd: Any) -> None:
    for route in (MODELS, SAMPLERS, SCHEDULERS):
        server.table[route] = Says(odd)
    ability = await probe(server.url)
    assert (ability.models, ability.samplers, ability.schedulers) == ((), (), ())


@pytest.mark.parametrize("odd", [None, [], '"text"', 7, {"sd_model_checkpoint": 5}])
async def test_options_of_odd_shape_tell_no_model(server: TinyServer, odd: Any) -> None:
    server.table[OPTIONS] = Says(odd)
    assert (await probe(server.url)).current_model is None


# -- no such server --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_closed_door_is_about_the_password(server: TinyServer, status: int) -> None:
    server.table[SAMPLERS] = Says({"detail": "Not authenticated"}, status)
    with pytest.raises(BackendRejectedCredentials):
        await probe(server.url)


@pytest.mark.parametrize("absent", [404, 405, 501])
async def test_a_page_without_the_api_says_what_to_look_at(absent: int) -> None:
    async with tiny_server() as tiny:
        tiny.otherwise = Says({"detail": "no"}, absent)
        with pytest.raises(BackendBadAnswer, match=r"right address.*--api"):
            await probe(tiny.url)


async def test_some_other_web_page_is_a_bad_answer() -> None:
    async with tiny_server() as tiny:
        tiny.otherwise = Says("<html>Welcome</html>", content_type="text/html")
        with pytest.raises(BackendBadAnswer, match="text/html"):
            await probe(tiny.url)


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(BackendUnreachable):
        await probe("http://127.0.0.1:1")


async def test_a_failed_probe_keeps_what_was_known(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        known = await backend.probe()
        server.table[OPTIONS] = Says(b"", 503)
        with pytest.raises(BackendError):
            await backend.probe()
        assert backend.ability is known


async def test_a_later_probe_sees_what_is_new(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[MODELS] = Says([{"title": "new.st", "model_name": "new"}])
        assert [m.name for m in (await backend.probe()).models] == ["new"]


# -- words for the operator ------------------------------------------------------------------------


async def test_the_kind_finds_its_class() -> None:
    backend = registry.build(backend_settings("http://127.0.0.1:1"))
    assert isinstance(backend, SdApi)
    assert backend.name == "main"
    with pytest.raises(ConfigurationError, match=r"backend main: kind 'nope' .*known: .*sdapi"):
        registry.build(backend_settings("http://127.0.0.1:1", kind="nope"))


async def test_one_broken_listing_does_not_keep_a_server_from_painting(server: TinyServer) -> None:
    """Nothing but txt2img is required (contracts, sdapi 11.1)."""
    for broken in (Says(b"oops", 500, "text/plain"), Says("<html>", content_type="text/html")):
        server.table[SCHEDULERS] = broken
        assert (await probe(server.url)).schedulers == ()


async def test_a_broken_listing_is_warned_of_and_a_missing_one_is_not(
    server: TinyServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for absent in (404, 405, 501):
            server.table[SCHEDULERS] = Says(b"", absent)
            await probe(server.url)
        assert caplog.records == []
        server.table[SCHEDULERS] = Says(b"oops", 500, "text/plain")
        await probe(server.url)
        assert "/schedulers" in caplog.text


async def test_a_silent_task_route_is_no_trouble(
    server: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KoboldCpp lets an unknown POST wait for the running picture before it says 404."""
    patient = Http.post

    async def hasty(self: Http, path: str, body: object, *, timeout: float = 15.0) -> Answer:
        assert timeout <= 5, "a start must not hang on it"
        return await patient(self, path, body, timeout=timeout / 100)

    monkeypatch.setattr(Http, "post", hasty)
    server.table[TASKS] = server.silence
    assert (await probe(server.url)).progress
