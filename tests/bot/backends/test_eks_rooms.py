"""The pure rooms of Stable Diffusion on EKS: messages that fit, runs told apart, pace."""

from __future__ import annotations

import io
import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.backends import eks_payload as payload
from bot.backends.eks_results import read_out
from bot.backends.eks_waiting import Finished, first_finished
from bot.backends.warmth import Warmth
from bot.errors import BackendBadAnswer, BackendFailed, BackendOutOfMemory, BackendRefused
from bot.settings.aws import Runtime
from bot.values.source import Role, Source
from tests.bot.backends.cloud import Notebook, order

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["http://x", " S3://y"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
SD = Runtime(name="sdruntime", model="a.safetensors")


def strings(value: object) -> list[str]:
    """All strings in it, wherever they stand."""
    if isinstance(value, str):
        return [value]
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in held for found in strings(one)]


@given(JSON)
def test_no_string_that_an_agent_would_fetch_is_left(value: object) -> None:
    safe = payload.harmless(value)
    assert not [s for s in strings(safe) if s.startswith(("http", "s3://"))]
    assert [s.strip() for s in strings(safe)] == [s.strip() for s in strings(value)]


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=3_000), st.integers(40, 700), st.booleans())
def test_a_message_with_a_picture_fits_or_is_refused(words: str, side: int, mask: bool) -> None:
    held = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(1).randbytes(side * side * 3)).save(
        held, "PNG"
    )
    sources = [Source(Role.INIT, held.getvalue(), side, side)]
    if mask:
        sources.append(Source(Role.MASK, held.getvalue()[: 4 * side], side, side))
    request = order(kind="img2img", prompt=words, denoising_strength=0.5)
    body = payload.content(request, SD, None, {})
    around = payload.v1alpha2("0" * 36, "easel/x/2026010100", SD, request, {})
    try:
        message = payload.fitting(body, request, sources, around)
    except BackendRefused as refused:
        assert "KB" in refused.sentence
        return
    whole = payload.v1alpha2("0" * 36, "easel/x/2026010100", SD, request, message.body)
    assert len(json.dumps(whole)) <= payload.MOST_BYTES


def test_the_run_that_ended_first_wins_and_ten_comes_after_two() -> None:
    keys = [(f"p/id-aaaa-{n}.png", 5.0) for n in (10, 2, 1)] + [("p/id-aaaa.out", 6.0)]
    later = [("p/id-bbbb-1.png", 1.0), ("p/id-bbbb.out", 9.0)]
    running = [("p/id-cccc-1.png", 0.0)]
    assert first_finished(running) is None
    assert first_finished([*running, *later, *keys]) == Finished(
        "p/id-aaaa.out", ("p/id-aaaa-1.png", "p/id-aaaa-2.png", "p/id-aaaa-10.png")
    )


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (b"{", BackendBadAnswer),
        (b"[]", BackendBadAnswer),
        (b'{"code": 500}', BackendFailed),
        (b'{"code": 500, "error": "Runtime handler failed"}', BackendFailed),
        (b'{"parameters": {"error_msg": "HTTPError(500)", "reason": null}}', BackendFailed),
        (
            b'{"parameters": {"error_msg": "x", "reason": {"error": "OutOfMemoryError"}}}',
            BackendOutOfMemory,
        ),
    ],
)
def test_an_out_that_tells_of_a_failure(out: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_out(out)


@pytest.mark.parametrize(
    ("told", "seeds"), [("1,2, 3", (1, 2, 3)), ("", ()), ("1,x", ()), (None, ()), (7, ())]
)
def test_seeds_are_believed_only_as_a_whole(told: object, seeds: tuple[int, ...]) -> None:
    out = {"images": [""], "parameters": {"image_seed": told, "error_msg": ""}}
    assert read_out(json.dumps(out).encode()).seeds == seeds


def test_a_comfyui_graph_carries_what_was_asked() -> None:
    runtime = Runtime(name="c", type="comfyui", model="xl.safetensors")
    request = order(sampler="DPM++ 2M", scheduler="Karras", negative_prompt="http://x")
    graph = payload.content(request, runtime, None, {})
    assert graph["3"]["inputs"]["sampler_name"] == "dpmpp_2m"
    assert graph["3"]["inputs"]["scheduler"] == "karras"
    assert graph["3"]["inputs"]["seed"] == 42
    assert graph["7"]["inputs"]["text"] == " http://x"
    with pytest.raises(BackendRefused):
        payload.content(order(sampler="Restart"), runtime, None, {})


async def test_patience_begins_anew_with_each_result(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    known = Warmth("cloud", Notebook())
    assert known.cold("r")
    assert known.patience("r", 10_000.0, 900, 300) == 900
    now[0] += 200
    await known.came("r", 200)
    assert not known.cold("r")
    assert known.patience("r", 10_000.0, 900, 300) == 300, "others of it come: it is at work"
    now[0] += 250
    assert known.patience("r", 10_000.0, 900, 300) == 50
    assert await known.cold_start("r") == 200
    now[0] += 1_000
    assert known.cold("r")
