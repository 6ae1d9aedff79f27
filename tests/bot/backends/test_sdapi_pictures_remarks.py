"""What a picture says of itself: made otherwise than asked, and our own words in full."""

from __future__ import annotations

from typing import Any

import pytest

from bot.backends.sdapi_pictures import read_painted
from bot.images.infotext import Infotext
from bot.values.picture import Picture
from bot.values.request import Control, Hires
from tests.bot.backends.orders import BARE, answer, painted, request, text, with_chunk


def one(info: dict[str, Any] | str = "", images: list[str] | None = None, **order: Any) -> Picture:
    body = painted(images or [with_chunk(42)], info)
    return read_painted(answer(body), request(**order)).pictures[0]


# -- another sampler -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("DPM++ 2M", "DPM++ 2M"),
        ("Euler a", "euler_a"),  # stable-diffusion.cpp takes both and says its own
        ("euler_a", "Euler a"),
        ("default", "NONE"),  # its list begins with "default"
        ("Default", "Euler"),  # SD.Next's
        (None, "NONE"),
        (None, "Euler"),
        ("Euler", None),
        ("Euler", 5),
    ],
)
def test_the_sampler_that_was_asked_for_is_not_remarked_on(asked: Any, used: Any) -> None:
    assert one({"sampler_name": used}, sampler=asked).remark is None


@pytest.mark.parametrize(
    ("asked", "used", "drew"),
    [
        ("Euler a", "DPM++ 2M", "DPM++ 2M"),
        ("DPM++ 2M SDE", "DPM++ 2M", "DPM++ 2M"),
        ("Euler a", "Euler", "Euler"),
        ("Euler a", "NONE", "its own sampler"),
        ("Euler a", "", "its own sampler"),
    ],
)
def test_another_sampler_is_told(asked: str, used: str, drew: str) -> None:
    """An unknown one is 200 and DPM++ 2M on A1111 (trap 2), 200 and NONE on sd.cpp."""
    told = f"The image server used {drew} instead of {asked}."
    assert one({"sampler_name": used}, sampler=asked).remark == told


# -- another checkpoint ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("tinyA", "tinyA"),
        ("tinyA", "tinyA.safetensors"),  # stable-diffusion.cpp
        ("tinyA", "tinyA.ckpt"),
        ("sub_tinyA", "tinyA"),  # the folder is a part of A1111's listed name
        ("tinyA", "sub/tinyA"),
        ("tinyA", r"sub\tinyA.safetensors"),
        ("tiny B, v1.5", "tiny B, v1.5"),
        (None, "anything"),
        ("tinyA", ""),
        ("tinyA", None),
        ("tinyA", ["x"]),
    ],
)
def test_the_checkpoint_that_was_asked_for_is_not_remarked_on(asked: Any, used: Any) -> None:
    assert one({"sd_model_name": used}, model=asked).remark is None


@pytest.mark.parametrize("used", ["tinyB", "tinyA-inpainting", "tinyAA"])
def test_another_checkpoint_is_told(used: str) -> None:
    """An unknown override is 200 and the one that is loaded (trap 3)."""
    told = f"The image server drew with {used} instead of tinyA."
    assert one({"sd_model_name": used}, model="tinyA").remark == told


@pytest.mark.parametrize(
    ("asked", "used", "listed", "same"),
    [
        ("my-anything-v3", "anything-v3", [], False),
        ("myanything-v3", "anything-v3", [], False),
        ("my_anything-v3", "anything-v3", [], True),  # the folder, as A1111 lists it
        ("my/anything-v3", "anything-v3", [], True),
        (r"my\anything-v3", "anything-v3.safetensors", [], True),
        ("a/b_c/anything-v3", "anything-v3", [], True),
        ("my_anything-v3", "anything-v3", ["my_anything-v3", "anything-v3"], False),
        ("my_anything-v3", "anything-v3", ["my_anything-v3"], True),
        ("anything-v3", "anything-v3", ["anything-v3"], True),
        ("anything-v3", "v3", [], False),
    ],
)
def test_only_a_folder_may_stand_before_what_is_told(
    asked: str, used: str, listed: list[str], same: bool
) -> None:
    body = painted([with_chunk(42)], {"sd_model_name": used})
    found = read_painted(answer(body), request(model=asked), listed)
    assert (found.pictures[0].remark is None) is same
    assert found.model == (asked if same else "anything-v3" if "anything-v3" in listed else None)


def test_both_are_told_of_every_picture() -> None:
    info = {"sampler_name": "Euler", "sd_model_name": "tinyB", "all_seeds": [1, 2]}
    body = painted([with_chunk(1), with_chunk(2)], info)
    found = read_painted(answer(body), request(sampler="DDIM", model="tinyA", count=2)).pictures
    assert len({picture.remark for picture in found}) == 1
    assert found[0].remark == (
        "The image server used Euler instead of DDIM. "
        "The image server drew with tinyB instead of tinyA."
    )


# -- without the reference picture -----------------------------------------------------------------

CANNY = Control(kind="canny")
WITHOUT = "The image server drew this without your reference picture."


@pytest.mark.parametrize(
    ("images", "info", "remark"),
    [
        ([with_chunk(1), BARE], {"all_seeds": [1]}, None),
        ([with_chunk(1), with_chunk(2), BARE], {"all_seeds": [1, 2]}, None),
        ([with_chunk(1), BARE, BARE], {"all_seeds": [1]}, None),  # with hires there are two
        ([BARE, BARE], {"all_seeds": [1]}, None),  # a server that writes no chunks
        ([with_chunk(1)], {"all_seeds": [1]}, WITHOUT),
        ([BARE], {"all_seeds": [1]}, WITHOUT),
        ([BARE], "", WITHOUT),
        (  # the grid in front is no map
            [with_chunk(1), with_chunk(1), with_chunk(2)],
            {"all_seeds": [1, 2], "index_of_first_image": 1},
            WITHOUT,
        ),
    ],
)
def test_a_map_behind_the_pictures_is_the_sign_that_it_was_followed(
    images: list[str], info: Any, remark: str | None
) -> None:
    """A unit that breaks is 200 and a picture without it."""
    count = len(info["all_seeds"]) if info else 1
    found = read_painted(
        answer(painted(images, info)), request(control=CANNY, count=count)
    ).pictures
    assert {picture.remark for picture in found} == {remark}
    assert len(found) == count, "the map itself is none of the pictures"


def test_without_a_wish_for_one_a_missing_map_is_nothing() -> None:
    assert one().remark is None


# -- our own words ---------------------------------------------------------------------------------


def test_the_servers_words_are_not_changed_by_a_remark() -> None:
    picture = one({"sampler_name": "Euler"}, sampler="DDIM")
    assert picture.infotext == text(42)


def test_our_own_words_hold_all_that_was_asked() -> None:
    picture = one(
        "",
        [BARE],
        width=128,
        hires=Hires(scale=1.5, upscaler="Latent", strength=0.35),
        vae="kl-f8.pt",
        clip_skip=2,
        faces="CodeFormer",
        tiling=True,
    )
    settings = Infotext.parse(picture.infotext).settings
    expected = {
        "Size": "128x64",  # of the first pass, as a web UI says it
        "Hires upscale": "1.5",
        "Hires upscaler": "Latent",
        "Denoising strength": "0.35",
        "VAE": "kl-f8.pt",
        "Clip skip": "2",
        "Face restoration": "CodeFormer",
        "Tiling": "True",
    }
    assert {key: settings[key] for key in expected} == expected


def test_a_picture_over_another_says_its_strength() -> None:
    picture = one("", [BARE], kind="img2img", denoising_strength=0.0)
    assert Infotext.parse(picture.infotext).settings["Denoising strength"] == "0"
