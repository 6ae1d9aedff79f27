"""The finer options of /draw: each does something on the server, or says why it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.house import SMALL, House, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"}


def asked(house: House) -> dict[str, Any]:
    """What the image server was last asked to paint."""
    return house.server.generated[-1]


async def read(house: House, message: dict[str, Any]) -> Infotext:
    """The PNG info of a delivered picture."""
    return Infotext.parse(pnginfo.read(await house.file(message)) or "")


async def test_a_style_stands_around_the_members_words(house: House) -> None:
    message = await house.draw(f"/draw prompt:a lighthouse style:watercolour {SMALL}")
    assert words(message).startswith("**a lighthouse**")
    written = await read(house, message)
    assert written.prompt.startswith("watercolour painting of a lighthouse")
    assert "photograph" in written.negative_prompt


async def test_choices_and_wildcards_are_made_before_the_line_by_the_seed(house: House) -> None:
    line = f"/draw prompt:a {{red|green|blue}} boat near __place__ seed:77 {SMALL}"
    first, second = await house.draw(line), await house.draw(line)
    written = await read(house, first)
    assert written.prompt == (await read(house, second)).prompt
    assert not set("{|_") & set(written.prompt)


async def test_a_lora_is_found_by_parts_of_its_name_and_weighed(house: House) -> None:
    message = await house.draw(f"/draw prompt:a clock lora:detail:0.6 {SMALL}")
    written = await read(house, message)
    assert written.prompt == "a clock <lora:add_detail:0.6>"
    assert "add_detail" in written.settings["Lora hashes"]
    assert words(message).startswith("**a clock**")


@pytest.mark.parametrize("line", ["a clock lora:clocksmith", "a <lora:clocksmith:1> clock"])
async def test_a_lora_that_is_not_there_is_refused_with_the_nearest(
    house: House, line: str
) -> None:
    before = len(house.server.generated)
    told = await house.refused(f"/draw prompt:{line}")
    assert "no LoRA called `clocksmith`" in told
    assert "Did you mean" in told
    assert len(house.server.generated) == before


async def test_a_second_pass_makes_the_picture_larger(house: House) -> None:
    message = await house.draw(
        f"/draw prompt:a harbour hires:1.5 hires_upscaler:latent hires_strength:0.4 {SMALL}"
    )
    (file,) = message["attachments"]
    assert (file["width"], file["height"]) == (96, 96)
    assert "hires 1.5×" in words(message)
    settings = (await read(house, message)).settings
    assert settings["Hires upscale"] == "1.5"
    assert settings["Denoising strength"] == "0.4"


async def test_what_is_larger_than_allowed_is_refused(house: House) -> None:
    told = await house.refused("/draw prompt:a city width:2048 height:1536 hires:2")
    assert "second pass" in told
    assert "megapixels" in told


async def test_clip_skip_and_vae_hold_for_one_picture_only(house: House) -> None:
    """Overrides leak on a fresh server: all of them go with every request (trap 5)."""
    await house.draw(f"/draw prompt:a moth clip_skip:2 vae:None {SMALL}")
    assert (await read(house, house.shown()[-1])).settings["Clip skip"] == "2"
    message = await house.draw(f"/draw prompt:a moth {SMALL}")
    assert "Clip skip" not in (await read(house, message)).settings
    assert {k: house.server.engine.options[k] for k in OWN} == OWN


@pytest.mark.parametrize("way", ["codeformer", "adetailer"])
async def test_faces_are_mended_in_the_way_that_is_there(house: House, way: str) -> None:
    message = await house.draw(f"/draw prompt:a sailor face_restoration:{way} {SMALL}")
    settings = (await read(house, message)).settings
    if way == "codeformer":
        assert settings["Face restoration"] == "CodeFormer"
    else:
        assert settings["ADetailer model"] == "face_yolov8n.pt"


async def test_tiling_and_the_rarest_settings_reach_the_server(house: House) -> None:
    message = await house.draw(
        f'/draw prompt:bricks tiling:true extra:"Variation seed: 5, RNG: CPU" {SMALL}'
    )
    settings = (await read(house, message)).settings
    assert settings["Tiling"] == "True"
    assert settings["Variation seed"] == "5"
    assert house.server.engine.options["randn_source"] == "GPU", "it holds for one picture"


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("Variation sed: 5", "`Variation seed`"),
        ("Steps: 5", "`steps`"),
        ("Clip skip: 40", "`Clip skip` can be"),
        ("sd_model_checkpoint: x", "no setting"),
        ("Refiner: nobody", "no model called"),
    ],
)
async def test_settings_smuggled_in_or_mistyped_are_refused(
    house: House, extra: str, told: str
) -> None:
    assert told in await house.refused(f'/draw prompt:x extra:"{extra}" {SMALL}')


async def test_a_spoiler_is_a_spoiler(house: House) -> None:
    message = await house.draw(f"/draw prompt:the end of the film spoiler:true {SMALL}")
    assert message["attachments"][0]["filename"].startswith("SPOILER_")


async def test_a_servers_own_style_holds_until_a_member_wants_none(house: House) -> None:
    await house.draw("/server setting:style value:ink drawing", user="admin")
    try:
        styled = await house.draw(f"/draw prompt:an owl {SMALL}")
        assert (await read(house, styled)).prompt.startswith("ink drawing of an owl")
        plain = await house.draw(f"/draw prompt:an owl style:none {SMALL}")
        assert (await read(house, plain)).prompt == "an owl"
    finally:
        await house.draw("/server setting:style", user="admin")
    assert "no style called" in await house.refused(f"/draw prompt:an owl style:xyz {SMALL}")


@pytest.mark.parametrize("kind", ["sdcpp", "koboldcpp"])
async def test_what_a_small_server_cannot_do_is_said(tmp_path: Path, kind: str) -> None:
    async with open_house(tmp_path, kind=kind) as house:
        for options in ("hires:2", "clip_skip:2", "tiling:true", "face_restoration:GFPGAN"):
            told = await house.refused(f"/draw prompt:a fort {options} {SMALL}")
            assert "can't" in told, options
            assert f"`{options.split(':')[0]}`" in told
        told = await house.refused("/switch-model model:x", user="admin")
        assert "Only the operator can change the model" in told
        assert not house.server.generated


async def test_a_lora_reaches_stable_diffusion_cpp_as_a_field(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="sdcpp") as house:
        name = house.easel.painters["main"].backend.ability.loras[0].name  # type: ignore[union-attr]
        await house.draw(f"/draw prompt:a fort lora:{name}:0.7 {SMALL}")
        assert asked(house)["kind"] == "txt2img"


async def test_hires_works_on_forge_too(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="forge") as house:
        message = await house.draw(f"/draw prompt:a mill hires:2 {SMALL}")
        assert message["attachments"][0]["width"] == 128
