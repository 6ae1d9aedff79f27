"""Pictures that travel along in the bodies: painted over, masked, followed by ControlNet."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from bot.backends import sdapi_payload
from bot.backends.sdapi_dialect import MINIMAL, ControlNet, Dialect
from bot.errors import BackendRefused
from bot.values.request import Control, Inpainting, NetFamily
from bot.values.source import Role, Source
from tests.bot.backends.orders import request
from tests.bot.images import pictures

STRICT = Dialect(minimal=True, wide=False)
IMAGE = pictures.png()
NETS = {
    "canny": ControlNet("canny", ("sd15_canny [1]", "diffusers_xl_canny [2]")),
    "pose": ControlNet("openpose_full", ("sd15_openpose [3]",)),
}
WITH_NETS = Dialect(controls=NETS)


def over(
    *roles: Role, dialect: Dialect = WITH_NETS, operator: dict[str, Any] | None = None, **order: Any
) -> dict[str, Any]:
    """The whole body of an order with these sources."""
    made = request(**order)
    sources = [Source(role, IMAGE + role.encode(), 12, 9) for role in roles]
    bare = sdapi_payload.painting(made, "t", dialect, operator or {})
    return sdapi_payload.with_sources(bare, made, sources, dialect)


def b64(role: Role) -> str:
    return base64.b64encode(IMAGE + role.encode()).decode()


# -- pictures over pictures ------------------------------------------------------------------------


def test_every_default_of_img2img_is_said() -> None:
    """The API's defaults differ from the web UI's (trap 14)."""
    sent = over(Role.INIT, kind="img2img", denoising_strength=0.0, resize_mode=1)
    assert sent["init_images"] == [b64(Role.INIT)]
    assert (sent["denoising_strength"], sent["resize_mode"]) == (0.0, 1)
    assert "mask" not in sent
    assert (sent["width"], sent["height"]) == (64, 64)


def test_a_mask_says_how_it_is_used() -> None:
    inpainting = Inpainting(blur=0, fill=2, only_masked=True, padding=64, invert=True)
    sent = over(Role.INIT, Role.MASK, kind="img2img", inpainting=inpainting)
    assert {key: sent[key] for key in sent if "mask" in key or "inpaint" in key} == {
        "mask": b64(Role.MASK),
        "mask_blur": 0,
        "inpainting_fill": 2,
        "inpaint_full_res": True,
        "inpaint_full_res_padding": 64,
        "inpainting_mask_invert": 1,
    }


def test_a_strict_server_gets_no_more_over_a_picture() -> None:
    inpainted = over(
        Role.INIT,
        Role.MASK,
        dialect=STRICT,
        kind="img2img",
        inpainting=Inpainting(),
        sampler="Euler",
        scheduler="Karras",
        count=3,
        tiling=True,
    )
    assert set(inpainted) == MINIMAL


def test_keys_that_a_server_has_refused_are_left_out() -> None:
    picky = Dialect(unwanted=frozenset({"scheduler", "force_task_id", "resize_mode", "eta"}))
    sent = over(Role.INIT, dialect=picky, operator={"eta": 1}, kind="img2img", scheduler="Karras")
    assert not picky.unwanted & set(sent)
    assert sent["init_images"] == [b64(Role.INIT)]


# -- ControlNet ------------------------------------------------------------------------------------


def unit(family: NetFamily | None, kind: str = "canny") -> dict[str, Any]:
    control = Control.model_validate({"kind": kind, "weight": 0.8, "family": family})
    made = over(Role.CONTROL, dialect=WITH_NETS, control=control)
    (only,) = made["alwayson_scripts"]["ControlNet"]["args"]
    return dict(only)


def test_a_unit_has_the_keys_that_all_versions_share() -> None:
    """`input_image` is dropped by Forge in silence; numbers for the modes break newer ones."""
    assert unit("sd15") == {
        "enabled": True,
        "image": b64(Role.CONTROL),
        "module": "canny",
        "model": "sd15_canny [1]",
        "weight": 0.8,
        "resize_mode": "Crop and Resize",
        "pixel_perfect": True,
        "control_mode": "Balanced",
        "save_detected_map": True,
    }


def test_a_checkpoint_gets_a_net_of_its_own_family() -> None:
    """Of another family it would do nothing, and nobody would say so."""
    assert unit("sdxl")["model"] == "diffusers_xl_canny [2]"
    assert unit("sd15")["model"] == "sd15_canny [1]"
    assert unit(None)["model"] == "sd15_canny [1]", "an order of an older Easel names none"


@pytest.mark.parametrize(("family", "kind"), [("sd15", "depth"), ("flux", "canny")])
def test_a_net_that_is_no_longer_there_is_refused_and_not_left_out(
    family: NetFamily, kind: str
) -> None:
    with pytest.raises(BackendRefused):
        unit(family, kind)


@pytest.mark.parametrize("name", ["controlnet", "ControlNet", "CONTROLNET"])
def test_a_unit_stands_behind_the_operators_units(name: str) -> None:
    """Script names are alike in any case (sdapi 2): one of two would be lost."""
    theirs = {"enabled": True, "model": "sd15_tile [4]"}
    sent = over(
        Role.CONTROL,
        operator={"alwayson_scripts": {name: {"args": [theirs]}, "x": {"args": [1]}}},
        control=Control(kind="canny"),
    )
    assert set(sent["alwayson_scripts"]) == {"ControlNet", "x"}
    first, second = sent["alwayson_scripts"]["ControlNet"]["args"]
    assert (first, second["module"]) == (theirs, "canny")


def test_a_unit_stands_beside_the_operators_scripts_and_an_init_image() -> None:
    sent = over(
        Role.INIT,
        Role.CONTROL,
        dialect=WITH_NETS,
        operator={"alwayson_scripts": {"x": {"args": [1]}}},
        kind="img2img",
        control=Control(kind="pose"),
        faces="ADetailer",
    )
    assert set(sent["alwayson_scripts"]) == {"x", "ADetailer", "ControlNet"}
    assert sent["init_images"] == [b64(Role.INIT)]
