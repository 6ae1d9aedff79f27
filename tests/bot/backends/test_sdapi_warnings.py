"""What will hurt the operator later is said at the start: odd credentials, unknown options."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bot.backends.painters import OPTIONS, PROGRESS, painter
from tests.bot.backends.tiny_server import Says, TinyServer


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """The least of A1111: options and progress."""
    server.table = {
        OPTIONS: Says({"sd_model_checkpoint": None, "upcast_attn": False}),
        PROGRESS: Says({"progress": 0.0, "state": {}}),
    }
    return server


async def warnings(server: TinyServer, **settings: Any) -> tuple[str, ...]:
    async with painter(server.url, **settings) as backend:
        return (await backend.probe()).warnings


@pytest.mark.parametrize(
    ("username", "password", "warned"),
    [
        ("bot", "s3cret", []),
        ("bot", "pässword", ["password"]),
        ("jürgen", "s3cret", ["user name"]),
        ("jürgen", "pässword", ["user name", "password"]),
    ],
)
async def test_credentials_that_no_server_can_read_are_warned_of(
    server: TinyServer, username: str, password: str, warned: list[str]
) -> None:
    """FastAPI reads them as ASCII (sdapi 1)."""
    found = await warnings(server, auth={"username": username, "password": password})
    assert [w.removeprefix("the ").split(" holds")[0] for w in found] == warned
    assert not any(password in words for words in found)


KNOWN = {"override_settings": {"upcast_attn": True, "sd_model_checkpoint": "x"}}
UNKNOWN = {"override_settings": {"upcast_atn": True}}


@pytest.mark.parametrize(
    "settings", [{"payload": UNKNOWN}, {"payload": KNOWN, "models": {"p*": {"payload": UNKNOWN}}}]
)
async def test_an_option_that_the_server_does_not_have_is_warned_of(
    server: TinyServer, settings: dict[str, Any]
) -> None:
    """It is a 500 for every picture (sdapi 2)."""
    (words,) = await warnings(server, **settings)
    assert words.startswith("payload: overrides the option 'upcast_atn'")


async def test_known_options_are_fine_and_where_none_are_listed_nothing_is_said(
    server: TinyServer,
) -> None:
    assert await warnings(server, payload=KNOWN) == ()
    server.table[OPTIONS] = Says({"detail": "Not Found"}, 404)
    server.table["GET /sdapi/v1/samplers"] = Says([{"name": "Euler"}])
    assert await warnings(server, payload=UNKNOWN) == ()


async def test_a_server_that_ignores_overrides_is_not_warned_of(server: TinyServer) -> None:
    """stable-diffusion.cpp and KoboldCpp have two options, and are sent none (sdapi 10)."""
    del server.table[PROGRESS]
    assert await warnings(server, payload=UNKNOWN) == ()
