"""Files for one message: each within its share, a safe name, words for who cannot see."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BrokenPicture
from bot.images import codec, pnginfo
from cogs._ui.faces import ALT_LIMIT
from cogs._ui.handover import REQUEST_BYTES, pack
from tests.bot.images import pictures
from tests.bot.images.test_codec import noise
from tests.cogs.samples import address, job, picture, request

GRAINY = pictures.encoded(noise(220, 220), "PNG")
"""About 145 kB that no encoder makes much smaller."""


# -- names and words -------------------------------------------------------------------------------


async def name_of(prompt: str, **more: Any) -> str:
    files, _ = await pack(job(prompt), [picture(7, **more)], 10 << 20)
    return files[0].name


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a maltese puppy, studio light", "a-maltese-puppy-studio-light-7.png"),
        ("../../etc/passwd", "etc-passwd-7.png"),
        ("CON", "con-7.png"),
        ('a\\b|c:d*e?f"g<h>i', "a-b-c-d-e-f-g-h-i-7.png"),
        ("猫", "picture-7.png"),
        ("!!!", "picture-7.png"),
        (".hidden", "hidden-7.png"),
        ("--- x ---", "x-7.png"),
        ("x" * 500, "x" * 40 + "-7.png"),
        ("a\nb\tc\u202egnp.exe", "a-b-c-gnp-exe-7.png"),
    ],
)
async def test_a_file_is_named_by_its_prompt_and_seed(prompt: str, name: str) -> None:
    assert await name_of(prompt) == name


async def test_any_prompt_makes_a_safe_name() -> None:
    @given(st.text(min_size=1, max_size=200))
    def safe(prompt: str) -> None:
        name = asyncio.run(name_of(prompt))
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*-7\.png", name)
        assert len(name) <= 60

    await asyncio.to_thread(safe)


@pytest.mark.parametrize(
    ("data", "media_type", "ending"),
    [(pictures.jpeg(), "image/jpeg", ".jpg"), (pictures.webp(), "image/webp", ".webp")],
)
async def test_a_name_ends_in_what_the_file_is(data: bytes, media_type: str, ending: str) -> None:
    assert (await name_of("a cat", data=data, media_type=media_type)).endswith(ending)


async def test_the_alt_text_is_the_prompt_on_one_line() -> None:
    files, _ = await pack(job("a cat\non a  mat"), [picture()], 10 << 20)
    assert files[0].alt == "a cat on a mat"
    long, _ = await pack(job("word " * 800), [picture()], 10 << 20)
    assert len(long[0].alt) <= ALT_LIMIT == 1024


@pytest.mark.parametrize("spoiler", [False, True])
async def test_a_spoiler_stays_one_also_in_a_smaller_form(spoiler: bool) -> None:
    hidden = job(address=address(spoiler=spoiler))
    for limit in (10 << 20, 64 << 10):
        files, _ = await pack(hidden, [picture(data=GRAINY)], limit)
        assert files[0].spoiler is spoiler


# -- sizes -----------------------------------------------------------------------------------------


async def test_pictures_that_fit_are_not_touched() -> None:
    one, two = picture(1), picture(2)
    files, note = await pack(job(), [one, two], 10 << 20)
    assert [f.data for f in files] == [one.data, two.data]
    assert [f.name for f in files] == ["a-maltese-puppy-1.png", "a-maltese-puppy-2.png"]
    assert note is None


async def test_no_picture_is_no_file_and_no_word() -> None:
    assert await pack(job(), [], 10 << 20) == ([], None)


async def test_a_picture_over_the_limit_is_made_smaller_and_the_card_says_so() -> None:
    given_picture = picture(data=GRAINY)
    limit = 64 << 10
    files, note = await pack(job(), [given_picture], limit)
    (file,) = files
    assert len(file.data) <= limit
    assert file.name.endswith(".webp")
    assert codec.sniff(file.data) == "image/webp"
    assert pnginfo.read(file.data) == given_picture.infotext, "its infotext goes along"
    assert note == "⚠️ Saved in a smaller form: Discord takes 0.0625 MiB here."


async def test_only_the_large_ones_are_made_smaller_and_counted() -> None:
    small, large = picture(1), picture(2, data=GRAINY)
    files, note = await pack(job(), [small, large], 100 << 10)
    assert files[0].data == small.data
    assert len(files[1].data) <= 100 << 10
    assert note is not None
    assert "1 of 2 saved in a smaller form" in note


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10])
async def test_all_files_of_one_message_stay_under_25_mib(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Discord counts the whole request (contracts, discord 8); each file has its own limit too."""
    asked: list[int] = []

    def shrink(data: bytes, limit: int, infotext: str) -> tuple[bytes, str]:
        asked.append(limit)
        return data[:limit], "image/webp"

    monkeypatch.setattr(codec, "shrink_to", shrink)
    huge = bytes(40 << 20)
    limit = 100 << 20  # a server of the highest tier
    files, note = await pack(job(), [picture(n, data=huge) for n in range(count)], limit)
    assert sum(len(f.data) for f in files) + (64 << 10) < 25 << 20
    assert asked == [min(limit, REQUEST_BYTES // count)] * count
    assert note is not None
    assert f"{asked[0] / (1 << 20):.3g} MiB" in note


async def test_a_picture_that_cannot_be_made_smaller_goes_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> tuple[bytes, str]:
        raise BrokenPicture("no way")

    monkeypatch.setattr(codec, "shrink_to", broken)
    files, _ = await pack(job(), [picture(data=GRAINY)], 64 << 10)
    assert files[0].data == GRAINY
    assert files[0].name.endswith(".png")


async def test_a_files_name_is_the_members_words_without_tags_and_style() -> None:
    order = request("oil painting of a cat <lora:x:1>, thick paint", subject="a cat <lora:x:1>")
    files, _ = await pack(job(order=order), [picture(7)], 10 << 20)
    assert [f.name for f in files] == ["a-cat-7.png"]


async def test_variations_of_one_seed_have_names_of_their_own() -> None:
    order = request("a cat", rare={"variation_seed": 5, "variation_strength": 0.2})
    files, _ = await pack(job(order=order), [picture(42)] * 2, 10 << 20)
    assert [f.name for f in files] == ["a-cat-42-5.png", "a-cat-42-6.png"]
