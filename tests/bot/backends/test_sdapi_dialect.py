"""How servers differ, and the options that must go with every request (sdapi trap 5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.sdapi_dialect import FORGE_MODULES, OVERRIDDEN, Dialect, own_options
from bot.backends.sdapi_payload import painting
from bot.values.request import ImageRequest, Rare
from tests.bot.backends.orders import request
from tests.bot.backends.painters import OPTIONS, PROGRESS, painter
from tests.bot.backends.tiny_server import Says, TinyServer

FRESH: dict[str, Any] = {
    "CLIP_stop_at_last_layers": 1,
    "sd_vae": "Automatic",
    "face_restoration_model": "CodeFormer",
    "eta_noise_seed_delta": 0,
    "randn_source": "GPU",
    "token_merging_ratio": 0.0,
}
"""What A1111 1.10 has of these when it is new."""
FANCY = request(
    clip_skip=2,
    vae="kl-f8.pt",
    faces="GFPGAN",
    rare=Rare(ensd=31337, rng="NV", token_merging=0.5),
)
"""One order that changes all of them."""


class Server:
    """Keeps every override for good, as a fresh A1111 does with keys it never saved."""

    def __init__(self) -> None:
        self.options = dict(FRESH)

    def paint(self, order: ImageRequest, dialect: Dialect) -> dict[str, Any]:
        """What the picture was made with."""
        body = painting(order, "t", dialect, {})
        self.options |= body["override_settings"]
        return {key: self.options[key] for key in FRESH}


def test_the_list_is_whole() -> None:
    assert set(FRESH) == set(OVERRIDDEN.values())


def test_what_one_member_changed_is_not_left_for_the_next() -> None:
    server = Server()
    dialect = Dialect(own=own_options(server.options, {}, {}))
    fancy = server.paint(FANCY, dialect)
    assert all(fancy[key] != FRESH[key] for key in FRESH)
    assert server.paint(request(), dialect) == FRESH


def test_what_leaked_is_not_taken_for_the_servers_own() -> None:
    """A probe between two pictures finds the last one's options on the server."""
    server = Server()
    dialect = Dialect(own=own_options(server.options, {}, {}))
    sent = painting(FANCY, "t", dialect, {})["override_settings"]
    server.paint(FANCY, dialect)
    assert server.options != FRESH
    again = own_options(server.options, dialect.own, sent)
    assert again == FRESH
    assert server.paint(request(), Dialect(own=again)) == FRESH


def test_what_the_operator_changed_on_the_server_is_the_servers_own() -> None:
    sent = painting(FANCY, "t", Dialect(own=FRESH), {})["override_settings"]
    changed = FRESH | {"sd_vae": "anime.pt", "CLIP_stop_at_last_layers": 3}
    assert own_options(changed, FRESH, sent) == changed
    assert own_options(changed, {}, {}) == changed


def test_an_option_that_the_operator_overrides_for_one_model_goes_with_all_others_too() -> None:
    options = FRESH | {"upcast_attn": False, "sd_model_checkpoint": "x"}
    assert own_options(options, {}, {}, ["upcast_attn", "unknown"]) == FRESH | {
        "upcast_attn": False
    }


def test_what_the_operator_has_overridden_once_goes_on_for_ever() -> None:
    """Taken out of easel.yaml, it would stay on the server as it was overridden last."""
    known, sent = FRESH | {"upcast_attn": False}, {"upcast_attn": True}
    leaked = FRESH | {"upcast_attn": True}
    assert own_options(leaked, known, sent) == known
    assert own_options(FRESH, known, sent) == FRESH, "and the server may lose it"


def test_what_a_server_does_not_have_is_never_sent() -> None:
    """An unknown key is a 500 (trap 5), and null is no value."""
    poor = {"CLIP_stop_at_last_layers": 1, "sd_vae": None, "outdir": "/home/x"}
    assert own_options(poor, {}, {}) == {"CLIP_stop_at_last_layers": 1}


def test_forges_modules_are_among_them() -> None:
    assert own_options({FORGE_MODULES: ["/m/ae.safetensors"]}, {}, {}) == {
        FORGE_MODULES: ["/m/ae.safetensors"]
    }


@pytest.mark.parametrize("odd", [None, [], "text", 7, True])
def test_without_options_what_was_known_holds(odd: Any) -> None:
    assert own_options(odd, FRESH, {}) == FRESH
    assert own_options(odd, {}, {}) == {}


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
odd_options = st.dictionaries(st.sampled_from([*FRESH, FORGE_MODULES, "other"]), odd_values)


@given(odd_options, odd_options, odd_options)
def test_only_options_of_the_list_and_never_null(
    options: dict[str, Any], before: dict[str, Any], sent: dict[str, Any]
) -> None:
    own = own_options(options, {k: v for k, v in before.items() if v is not None}, sent)
    assert set(own) <= {*FRESH, FORGE_MODULES, *before} & set(options)
    assert None not in own.values()
    for key, value in own.items():
        assert value in (options[key], before.get(key))


async def test_a_painter_that_looks_again_between_two_pictures(server: TinyServer) -> None:
    """The same through the painter itself: probe, paint, probe, paint."""
    server.table = {OPTIONS: Says(FRESH), PROGRESS: Says({"state": {}})}
    async with painter(server.url) as backend:
        await backend.probe()
        leaked = FRESH | backend.payload(FANCY, "t")["override_settings"]
        server.table[OPTIONS] = Says(leaked)
        await backend.probe()
        assert backend.payload(request(), "t")["override_settings"] == FRESH


async def test_an_operators_option_for_one_model_is_put_back_for_the_next(
    server: TinyServer,
) -> None:
    server.table = {OPTIONS: Says(FRESH | {"upcast_attn": False}), PROGRESS: Says({"state": {}})}
    models = {"pony*": {"payload": {"override_settings": {"upcast_attn": True}}}}
    async with painter(server.url, models=models) as backend:
        await backend.probe()
        sent = [
            backend.payload(request(model=name), "t")["override_settings"]["upcast_attn"]
            for name in ("ponyXL", "tinyA")
        ]
    assert sent == [True, False]
