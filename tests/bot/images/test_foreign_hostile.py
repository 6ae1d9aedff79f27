"""Strangers' files: whatever their texts hold, a Reading or None, in bounded time."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.images.foreign import Reading, read_any
from bot.images.infotext import Infotext
from bot.images.texts import MOST_BYTES, texts
from tests.bot.images import pictures
from tests.bot.images.pictures import PLAIN, calm
from tests.bot.images.test_foreign import INVOKEAI, NOVELAI_CHUNKS, png
from tests.bot.images.test_foreign_comfy import PLAIN_GRAPH
from tests.bot.images.test_foreign_files import WORKFLOW

KEYWORDS = (
    *("parameters", "prompt", "workflow", "Comment", "Description", "Software", "Source"),
    *("invokeai_metadata", "sd-metadata", "Dream", "XML:com.adobe.xmp", "fooocus_scheme"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        | st.tuples(st.sampled_from([*PLAIN_GRAPH, "x"]), st.integers(0, 3)).map(list)
    ),
    max_leaves=10,
)


def harmless(data: bytes) -> Reading | None:
    """What everyone who shows a Reading relies on."""
    reading = read_any(data)
    if reading is not None:
        for text in (reading.prompt, reading.negative_prompt, *reading.settings.values()):
            assert "\0" not in text
            text.encode("utf-8")  # no half characters
        assert all("\n" not in key and value for key, value in reading.settings.items())
        assert len(reading.raw) <= MOST_BYTES
        assert isinstance(reading.infotext, Infotext)
    return reading


@calm
@given(st.dictionaries(st.sampled_from(KEYWORDS), st.text() | VALUES, max_size=4))
def test_any_text_under_any_name(chunks: dict[str, Any]) -> None:
    harmless(png(chunks))


def test_half_characters_and_nul_are_left_out() -> None:
    reading = harmless(png({"invokeai_metadata": r'{"positive_prompt": "a\ud800 \u0000fox"}'}))

    assert reading is not None
    assert reading.prompt == "a fox"


@calm
@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"comf", b"eXIf"]), st.binary())
def test_any_bytes_in_any_chunk(kind: bytes, body: bytes) -> None:
    harmless(pictures.before(b"IDAT", PLAIN["png"], pictures.chunk(kind, b"prompt\0" + body)))
    harmless(pictures.before(b"IDAT", PLAIN["png"], pictures.chunk(kind, b"II*\0" + body)))


@calm
@given(st.data())
def test_records_with_any_value_anywhere(data: st.DataObject) -> None:
    record: dict[str, Any] = json.loads(
        json.dumps(
            {
                "prompt": PLAIN_GRAPH,
                "workflow": WORKFLOW,
                "invokeai_metadata": INVOKEAI,
                **NOVELAI_CHUNKS,
            }
        )
    )
    chosen = data.draw(st.sampled_from(sorted(record)))
    place: Any = {chosen: record[chosen]}
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else [0]))
        if data.draw(st.booleans()) or not isinstance(place[key], dict | list):
            place[key] = data.draw(VALUES)
            break
        place = place[key]

    harmless(png({**NOVELAI_CHUNKS, chosen: record[chosen]}))
    harmless(png({chosen: record[chosen]}))


@calm
@given(
    st.dictionaries(
        st.sampled_from([*PLAIN_GRAPH, "a", "b"]),
        st.fixed_dictionaries(
            {
                "class_type": st.sampled_from(["KSampler", "SaveImage", "X", "CLIPTextEncode"]),
                "inputs": st.dictionaries(
                    st.sampled_from(
                        [
                            *("positive", "negative", "steps", "text", "images", "samples"),
                            *("latent_image", "guider", "sigmas", "conditioning", "model", ""),
                        ]
                    ),
                    VALUES,
                    max_size=8,
                ),
            }
        ),
    )
)
def test_any_tangle_of_nodes(graph: dict[str, Any]) -> None:
    reading = harmless(png({"prompt": graph}))

    assert (reading is not None) == bool(graph)


def tangle(nodes: int, names: list[str]) -> str:
    """Each node linked to others by all of these inputs."""
    return json.dumps(
        {
            str(at): {
                "class_type": "KSampler",
                "inputs": {
                    name: [str((at * 3 + shift) % nodes), 0] for shift, name in enumerate(names)
                },
            }
            for at in range(nodes)
        }
    )


GREEDY: dict[str, Callable[[], dict[str, object]]] = {
    "deep JSON": lambda: {"prompt": '{"a":' * 100_000},
    "deep lists": lambda: {"prompt": '{"a":' + "[" * 500_000},
    "brackets": lambda: {"Dream": '"' + "[" * 500_000},
    "options": lambda: {"Dream": '"x" ' + " -s" * 300_000},
    "tags": lambda: {"XML:com.adobe.xmp": "<exif:UserComment>" * 50_000},
    "open tags": lambda: {"XML:com.adobe.xmp": "<exif:UserComment>" + "<" * 900_000},
    "pairs": lambda: {"parameters": "a b:" * 250_000},
    "a long number": lambda: {"invokeai_metadata": '{"seed": ' + "9" * 4_000 + "}"},
    "a ring": lambda: {
        "prompt": tangle(1_500, ["positive", "steps", "cfg", "seed", "guider", "latent_image"])
    },
    "a knot": lambda: {"prompt": tangle(1_000, ["text", "string_a", "string_b", "positive", "x"])},
}


@pytest.mark.parametrize("name", GREEDY)
def test_greedy_texts_end_soon(name: str) -> None:
    data = png(GREEDY[name]())
    start = time.process_time()
    harmless(data)

    # Ten times what they take: a quadratic walk would take minutes.
    assert time.process_time() - start < 3


def test_compressed_bombs_share_one_budget() -> None:
    bomb = zlib.compress(b"a" * 20_000_000)
    chunks = [pictures.chunk(b"zTXt", b"bomb %d\0\0" % at + bomb) for at in range(200)]
    data = pictures.before(b"IDAT", PLAIN["png"], b"".join(chunks))
    start = time.process_time()

    assert harmless(data) is None
    assert time.process_time() - start < 1


def test_all_texts_together_are_bounded() -> None:
    data = png({f"name {at}": "x" * 300_000 for at in range(10)})

    assert sum(map(len, texts(data).values())) <= MOST_BYTES


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", *PLAIN.values()])
def test_files_that_say_nothing(data: bytes) -> None:
    assert read_any(data) is None


def test_a_picture_cut_short_tells_what_came_before() -> None:
    data = png(NOVELAI_CHUNKS)
    reading = read_any(data[: data.index(b"IDAT") + 10])

    assert reading is not None
    assert reading.origin == "NovelAI"
