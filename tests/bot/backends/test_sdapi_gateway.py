"""What a gateway in front hides or refuses, and what the server can do all the same."""

from __future__ import annotations

from typing import Any

import pytest

from bot.backends.sdapi import SdApi
from bot.backends.sdapi_probe import FEW_OPTIONS
from bot.errors import BackendBusy, BackendError, BackendRejectedCredentials, BackendUnreachable
from bot.values.ability import Ability
from bot.values.request import Hires
from tests.bot.backends.orders import request
from tests.bot.backends.painters import OPTIONS, PROGRESS, painter
from tests.bot.backends.tiny_server import NOT_FOUND, Says, TinyServer

MODELS, SAMPLERS = "GET /sdapi/v1/sd-models", "GET /sdapi/v1/samplers"
LORAS, SCHEDULERS = "GET /sdapi/v1/loras", "GET /sdapi/v1/schedulers"
MANY: dict[str, Any] = {f"option_{n}": n for n in range(300)} | {
    "sd_model_checkpoint": "tinyA.st",
    "CLIP_stop_at_last_layers": 1,
}


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """A1111 behind a gateway that lets neither progress nor anything outside the API through."""
    server.otherwise = Says({"message": "Forbidden"}, 403)
    server.table = {
        OPTIONS: Says(MANY),
        MODELS: Says([{"title": "tinyA.st", "model_name": "tinyA"}]),
        SAMPLERS: Says([{"name": "Euler"}]),
        SCHEDULERS: Says([{"name": "karras", "label": "Karras"}]),
        LORAS: Says([{"name": "detail", "path": "/x"}]),
    }
    return server


def no(status: int) -> Says:
    """A refusal, after which one may ask again at once."""
    return Says({"message": "no"}, status, headers={"Retry-After": "0"} if status == 429 else {})


async def probed(server: TinyServer) -> tuple[SdApi, Ability]:
    async with painter(server.url) as backend:
        return backend, await backend.probe()


@pytest.mark.parametrize("hidden", [Says({"message": "Forbidden"}, 403), NOT_FOUND])
async def test_without_progress_it_is_of_the_a1111_family_by_its_many_options(
    server: TinyServer, hidden: Says
) -> None:
    server.otherwise = hidden
    backend, ability = await probed(server)
    assert (ability.progress, ability.interrupt) == (False, False)
    assert (ability.second_pass, ability.clip_skip, ability.switches_models) == (True, True, True)
    assert ability.step_pixels == 8
    sent = backend.payload(request(hires=Hires(), clip_skip=2, model="tinyA", count=3), "t")
    assert (sent["enable_hr"], sent["n_iter"], sent["batch_size"]) == (True, 3, 1)
    assert sent["override_settings"] == {
        "CLIP_stop_at_last_layers": 2,
        "sd_model_checkpoint": "tinyA",
    }


async def test_two_options_are_no_family(server: TinyServer) -> None:
    """stable-diffusion.cpp and KoboldCpp (sdapi 5)."""
    server.table[OPTIONS] = Says({"samples_format": "png", "sd_model_checkpoint": "tinyA"})
    assert 2 < FEW_OPTIONS < 46, "some forks list less than A1111's 300"
    assert not (await probed(server))[1].second_pass


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("route", [LORAS, PROGRESS])
async def test_a_side_listing_in_trouble_is_an_ability_less(
    server: TinyServer, status: int, route: str
) -> None:
    server.table[route] = no(status)
    _, ability = await probed(server)
    assert [m.name for m in ability.models] == ["tinyA"]
    assert (ability.loras == ()) is (route == LORAS)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, BackendRejectedCredentials),
        (429, BackendBusy),
        (503, BackendBusy),
        (502, BackendUnreachable),
        (504, BackendUnreachable),
    ],
)
@pytest.mark.parametrize("route", [OPTIONS, MODELS, SAMPLERS])
async def test_without_what_is_needed_it_cannot_be_used_now(
    server: TinyServer, route: str, status: int, error: type[BackendError]
) -> None:
    server.table[route] = no(status)
    with pytest.raises(error):
        await probed(server)


@pytest.mark.parametrize("status", [401, 403])
async def test_progress_that_is_not_let_through_is_no_wrong_password(
    server: TinyServer, status: int
) -> None:
    server.table[PROGRESS] = Says({}, status)
    async with painter(server.url) as backend:
        await backend.ping()
        server.table[SAMPLERS] = Says({}, status)
        with pytest.raises(BackendRejectedCredentials):
            await backend.ping()
