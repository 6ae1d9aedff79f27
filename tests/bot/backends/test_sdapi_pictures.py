"""Which of the returned images are ours, which seed each has, and what is written into them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot import VERSION
from bot.backends.sdapi_pictures import read_painted
from bot.errors import BackendBadAnswer
from bot.images import pnginfo
from bot.images.infotext import Infotext
from bot.values.picture import Picture
from tests.bot.backends.orders import BARE, answer, b64, painted, request, text, with_chunk
from tests.bot.images import pictures


def read(images: Any, info: Any = "", **order: Any) -> list[Picture]:
    return read_painted(answer(painted(images, info)), request(**order)).pictures


def seeds(found: list[Picture]) -> list[int]:
    return [p.seed for p in found]


def told(picture: Picture) -> str:
    """The chunk as Pillow, the independent witness, reads it."""
    with Image.open(io.BytesIO(picture.data)) as opened:
        opened.load()
        return str(opened.info["parameters"])


# -- which image is which --------------------------------------------------------------------------


def test_pictures_that_hold_their_infotext_are_not_touched() -> None:
    data = pictures.png(text(42))
    (picture,) = read([b64(data)], {"infotexts": [text(42)], "all_seeds": [42]})
    assert picture.data == data
    assert picture.infotext == text(42)
    assert (picture.seed, picture.width, picture.height) == (42, 12, 9)
    assert picture.media_type == "image/png"


def test_the_grid_in_front_is_dropped() -> None:
    """As recorded with save_images: three images, index_of_first_image 1, two seeds."""
    info = {
        "index_of_first_image": 1,
        "infotexts": [text(1), text(1), text(2)],
        "all_seeds": [1, 2],
    }
    assert seeds(read([with_chunk(1), with_chunk(1), with_chunk(2)], info, count=2)) == [1, 2]


def test_the_grid_is_dropped_where_the_server_writes_no_chunks() -> None:
    info = {
        "index_of_first_image": 1,
        "infotexts": [text(1, "the grid"), text(1, "first"), text(2, "second")],
        "all_seeds": [1, 2],
    }
    found = read([BARE, BARE, BARE], info, count=2)
    assert seeds(found) == [1, 2]
    assert [Infotext.parse(p.infotext).prompt for p in found] == ["first", "second"]


@pytest.mark.parametrize("skip", [None, 0, -1, 7, "1", 1.5, [1]])
def test_an_odd_index_of_the_first_image_drops_nothing(skip: Any) -> None:
    assert len(read([with_chunk(1), with_chunk(2)], {"index_of_first_image": skip})) == 2


def test_masks_between_the_pictures_are_dropped() -> None:
    """As recorded with return_mask: picture, mask, picture, mask; masks hold no chunk."""
    info = {"infotexts": [text(1), text(2)], "all_seeds": [1, 2]}
    found = read([with_chunk(1), BARE, with_chunk(2), BARE], info, count=2)
    assert seeds(found) == [1, 2]
    assert all(pnginfo.read(p.data) for p in found)


def test_maps_at_the_end_are_dropped_where_the_server_writes_no_chunks() -> None:
    """ControlNet appends its maps: without chunks the first `all_seeds` are ours."""
    found = read([BARE] * 5, {"all_seeds": [1, 2], "infotexts": [text(1), text(2)]}, count=2)
    assert seeds(found) == [1, 2]


def test_without_seeds_and_chunks_as_many_as_were_asked_for_are_ours() -> None:
    assert seeds(read([BARE] * 3, "", count=2, seed=100)) == [100, 101]


def test_an_interrupted_job_brings_fewer_pictures_than_seeds() -> None:
    """As recorded: one image, one infotext, three seeds."""
    info = {"infotexts": [text(7)], "all_seeds": [7, 8, 9]}
    assert seeds(read([BARE], info, count=3)) == [7]


# -- seeds -----------------------------------------------------------------------------------------


def test_a_pictures_own_chunk_knows_its_seed_best() -> None:
    found = read([with_chunk(5), with_chunk(6)], {"all_seeds": [1, 2]}, count=2, seed=42)
    assert seeds(found) == [5, 6]


def test_else_the_seed_goes_by_position() -> None:
    assert seeds(read([BARE, BARE], {"all_seeds": [1, 2]}, count=2, seed=42)) == [1, 2]


def test_a_chunk_without_a_seed_goes_by_position_too() -> None:
    """stable-diffusion.cpp's own words may lack it; only three pairs make a parameter line."""
    odd = b64(pictures.png("a cat\nSteps: 4, Sampler: Euler, CFG scale: 7"))
    assert seeds(read([odd, odd], {"all_seeds": [8, 9]}, count=2)) == [8, 9]


def test_else_it_is_the_one_that_was_asked_for_and_the_following_ones() -> None:
    """KoboldCpp tells nothing, which is why the seed is ours."""
    assert seeds(read([BARE, BARE, BARE], "", count=3, seed=2**32 - 1)) == [
        2**32 - 1,
        2**32,
        2**32 + 1,
    ]


# -- info, in all its forms ------------------------------------------------------------------------


INFO: dict[str, Any] = {"all_seeds": [11], "infotexts": [text(11)]}


@pytest.mark.parametrize("info", [json.dumps(INFO), INFO], ids=["string", "object"])
def test_info_is_a_json_string_or_an_object(info: Any) -> None:
    body = {"images": [BARE], "info": info}
    (picture,) = read_painted(answer(body), request()).pictures
    assert (picture.seed, picture.infotext) == (11, text(11))


NOTHING: list[Any] = [
    "",
    "garbage",
    "{",
    "null",
    "[1, 2]",
    '"text"',
    "7",
    None,
    [],
    7,
    "[" * 99_999,
]


@pytest.mark.parametrize("info", NOTHING, ids=lambda info: str(info)[:9])
def test_info_that_tells_nothing_is_no_trouble(info: Any) -> None:
    (picture,) = read([BARE], info)
    assert picture.seed == 42


def test_an_answer_without_info_is_no_trouble() -> None:
    (picture,) = read_painted(answer({"images": [BARE]}), request()).pictures
    assert picture.seed == 42


ODD = {
    "texts are a text": {"infotexts": "oops"},
    "texts are a number": {"infotexts": 5},
    "texts are an object": {"infotexts": {"a": 1}},
    "texts are numbers": {"infotexts": [1, 2]},
    "texts are true": {"infotexts": True},
    "seeds are a number": {"all_seeds": 42},
    "seeds are texts": {"all_seeds": ["42"]},
    "seeds are null": {"all_seeds": [None]},
    "seeds are true": {"all_seeds": True},
    "all are null": {"all_seeds": None, "infotexts": None, "index_of_first_image": None},
}


@pytest.mark.parametrize("info", ODD.values(), ids=ODD)
def test_keys_of_info_with_odd_values_count_as_missing(info: dict[str, Any]) -> None:
    (picture,) = read([BARE], info)
    assert picture.seed == 42
    assert Infotext.parse(picture.infotext).prompt == "a cat"


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(["infotexts", "all_seeds", "index_of_first_image", "seed"]), odd_values
    )
)
def test_whatever_info_says_a_picture_is_a_picture(info: dict[str, Any]) -> None:
    found = read([BARE, BARE], info, count=2)
    assert found
    assert all(p.infotext and pnginfo.read(p.data) for p in found)


# -- images, in all their forms --------------------------------------------------------------------


def test_a_data_prefix_is_taken_off() -> None:
    (picture,) = read([f"data:image/png;base64,{with_chunk(3)}"])
    assert picture.seed == 3


def test_empty_strings_are_skipped() -> None:
    assert seeds(read(["", with_chunk(3), ""], {"all_seeds": [3]})) == [3]


def test_an_empty_string_takes_its_infotext_and_seed_along() -> None:
    info = {"all_seeds": [1, 2, 3], "infotexts": [text(1), text(2, "second"), text(3)]}
    first, last = read([BARE, "", BARE], info, count=3)
    assert (first.seed, last.seed) == (1, 3)
    assert Infotext.parse(last.infotext).seed == 3


NO_PICTURES = {
    "no list": {"info": ""},
    "null": painted(None),
    "a text": painted(BARE),
    "an object": painted({"0": BARE}),
    "an empty list": painted([]),
    "KoboldCpp's failure": painted([""]),
    "only nothing": painted(["", "", None]),
    "a bare list": [BARE],
    "a bare text": "done",
    "nothing at all": None,
}


@pytest.mark.parametrize("body", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_200_without_a_picture_is_a_bad_answer(body: Any) -> None:
    with pytest.raises(BackendBadAnswer):
        read_painted(answer(body), request())


PNG = pictures.png(text(1))
BROKEN = {
    "base64 cut in the middle": b64(PNG)[:-7],
    "no base64": "<error>",
    "a number": 7,
    "an object": {"data": b64(PNG)},
    "a list": [b64(PNG)],
    "a file cut short": b64(PNG[: len(PNG) * 2 // 3]),
    "a file without its end": b64(PNG[:-12]),
    "a page instead": b64(b"<html>busy</html>"),
    "a data: URL without base64": f"data:image/png,{b64(PNG)}",
    "a link": "http://127.0.0.1/picture.png",
}


@pytest.mark.parametrize("image", BROKEN.values(), ids=BROKEN)
def test_a_broken_picture_is_a_bad_answer_even_beside_a_whole_one(image: Any) -> None:
    for images in ([image], [with_chunk(1), image], [image, with_chunk(1)]):
        with pytest.raises(BackendBadAnswer):
            read(images, count=2)


def test_a_picture_of_absurd_size_is_never_opened() -> None:
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    at = PNG.index(b"IHDR")
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    bomb = PNG[: at + 4] + header + crc + PNG[at + 4 + 13 + 4 :]
    with pytest.raises(BackendBadAnswer, match="pixels"):
        read([b64(bomb)])


# -- what is written into them ---------------------------------------------------------------------


def test_the_servers_infotext_goes_into_a_picture_that_has_none() -> None:
    (picture,) = read([BARE], {"infotexts": [text(5)], "all_seeds": [5]})
    assert told(picture) == text(5)
    assert pictures.pixels(picture.data) == pictures.pixels(pictures.png())


def test_without_any_we_write_our_own_from_the_order_and_the_pictures_size() -> None:
    order = request(
        prompt="a cat, (detailed:1.2)\nsecond line",
        negative_prompt="blurry",
        model="tiny B, v1.5",
        sampler="DPM++ 2M",
        scheduler="Karras",
        cfg_scale=6.5,
        width=72,
        height=96,
    )
    (picture,) = read_painted(answer(painted([BARE])), order).pictures
    written = Infotext.parse(told(picture))
    assert (written.prompt, written.negative_prompt) == (order.prompt, "blurry")
    assert dict(written.settings) == {
        "Steps": "4",
        "Sampler": "DPM++ 2M",
        "Schedule type": "Karras",
        "CFG scale": "6.5",
        "Seed": "42",
        "Size": "12x9",  # not what was asked: the server may have rounded
        "Model": "tiny B, v1.5",
        "Version": f"Easel {VERSION}",
    }
    assert picture.infotext == told(picture)


def test_what_was_left_to_the_server_is_not_made_up() -> None:
    (picture,) = read([BARE])
    assert set(Infotext.parse(picture.infotext).settings) == {
        "Steps",
        "CFG scale",
        "Seed",
        "Size",
        "Version",
    }


def test_each_of_several_gets_its_own_words() -> None:
    info = {"infotexts": [text(1)], "all_seeds": [1, 2]}  # one text too few
    first, second = read([BARE, BARE], info, count=2)
    assert told(first) == text(1)
    assert Infotext.parse(told(second)).seed == 2


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(pictures.jpeg(), "image/jpeg"), (pictures.webp(), "image/webp")],
    ids=["jpeg", "webp"],
)
def test_jpeg_and_webp_carry_it_in_exif(data: bytes, media_type: str) -> None:
    """samples_format: the kind is told by the bytes, never by a guess."""
    (picture,) = read([b64(data)], {"infotexts": [text(5)]})
    assert picture.media_type == media_type
    assert pictures.web_ui_comment(picture.data) == text(5)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=80),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=80),
)
def test_any_prompt_can_be_written(prompt: str, negative: str) -> None:
    (picture,) = read([BARE], prompt=prompt, negative_prompt=negative)
    assert Infotext.parse(told(picture)).seed == 42
    assert told(picture) == picture.infotext
