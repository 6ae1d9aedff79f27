"""A picture of one's own: painted over, made larger, put into words."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import discord
import pytest
from PIL import Image, ImageDraw

from bot.images import pnginfo
from cogs._ui import orders, uploads
from tests.house import House, labels, words

MODULES = {
    "canny": "canny",
    "depth": "depth_midas",
    "pose": "openpose_full",
    "lineart": "lineart_realistic",
}
pytestmark = pytest.mark.asyncio(loop_scope="module")


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    """A file that a member would attach."""
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture three wide and two high."""
    picture = Image.new("RGB", (192, 128), "skyblue")
    ImageDraw.Draw(picture).rectangle((0, 80, 192, 128), fill="seagreen")
    return saved(tmp_path / "field.png", picture)


def asked(house: House) -> dict[str, object]:
    """What the image server was last asked to paint."""
    return house.server.generated[-1]


async def test_a_picture_is_painted_over_in_its_own_ratio(house: House, photo: Path) -> None:
    message = await house.draw(f"/img2img image:@{photo} prompt:a stormy field steps:1 seed:3")
    width, height = (message["attachments"][0][k] for k in ("width", "height"))
    assert width % 8 == height % 8 == 0
    assert abs(width / height - 1.5) < 0.05
    assert width * height <= 512 * 512
    assert asked(house)["kind"] == "img2img"
    assert "strength 0.6" in words(message)
    assert "Denoising strength: 0.6" in (pnginfo.read(await house.file(message)) or "")


async def test_a_mask_keeps_what_is_black(house: House, photo: Path, tmp_path: Path) -> None:
    mask = Image.new("L", (50, 50), 0)
    ImageDraw.Draw(mask).rectangle((25, 0, 50, 50), fill=255)
    given = saved(tmp_path / "mask.png", mask)
    message = await house.draw(
        f"/img2img image:@{photo} prompt:a castle mask:@{given} strength:0.9 steps:1"
    )
    painted = Image.open(io.BytesIO(await house.file(message))).convert("RGB")
    kept = painted.crop((0, 0, 8, 8)).resize((1, 1)).tobytes()
    assert abs(kept[0] - 135) < 20, "the black half of the mask is the source's sky"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
async def test_every_usual_kind_of_picture_is_taken(
    house: House, tmp_path: Path, kind: str
) -> None:
    path = saved(tmp_path / f"photo.{kind.lower()}", Image.new("RGB", (64, 64), "plum"))
    message = await house.draw(f"/img2img image:@{path} prompt:a plum steps:1")
    assert len(message["attachments"]) == 1


async def test_a_photo_on_its_side_is_put_upright(house: House, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "phone.jpg", Image.new("RGB", (240, 120), "gold"), exif=exif)
    message = await house.draw(f"/img2img image:@{path} prompt:a tower steps:1")
    width, height = (message["attachments"][0][k] for k in ("width", "height"))
    assert height > width


@pytest.mark.parametrize("kind", ["canny", "depth", "pose", "lineart"])
async def test_a_reference_is_followed_and_painted_anew(
    house: House, photo: Path, kind: str
) -> None:
    message = await house.draw(f"/img2img image:@{photo} prompt:a harbour control:{kind} steps:2")
    assert asked(house)["kind"] == "txt2img"
    assert f"keeps {kind}" in words(message)
    assert "without your reference" not in words(message)
    assert len(message["attachments"]) == 1, "the map is not a picture"
    text = pnginfo.read(await house.file(message)) or ""
    assert f'ControlNet 0: "Module: {MODULES[kind]}' in text


async def test_with_a_strength_it_is_followed_and_painted_over(house: House, photo: Path) -> None:
    message = await house.draw(
        f"/img2img image:@{photo} prompt:a harbour control:canny strength:0.5 steps:2"
    )
    assert asked(house)["kind"] == "img2img"
    assert "strength 0.5" in words(message)


async def test_a_reference_that_the_server_passes_over_is_told(house: House, photo: Path) -> None:
    """ControlNet fails without a word: the picture comes, and no map behind it."""
    painter = house.easel.painters["main"].backend
    dialect = painter._dialect  # type: ignore[attr-defined]
    broken = {kind: replace(net, module="gone") for kind, net in dialect.controls.items()}
    painter._dialect = replace(dialect, controls=broken)  # type: ignore[attr-defined]
    try:
        message = await house.draw(
            f"/img2img image:@{photo} prompt:a harbour control:canny steps:2"
        )
    finally:
        painter._dialect = dialect  # type: ignore[attr-defined]
    assert "drew this without your reference picture" in words(message)


async def test_what_is_no_picture_is_refused_before_the_line(
    house: House, tmp_path: Path, photo: Path
) -> None:
    before = len(house.server.generated)
    text = tmp_path / "notes.txt"
    text.write_text("not a picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(photo.read_bytes()[:-40])
    for path, sentence in ((text, "no picture I can read"), (cut, "damaged")):
        told = await house.refused(f"/img2img image:@{path} prompt:x")
        assert sentence in told
    assert len(house.server.generated) == before
    assert [*house.easel.queue.waiting()] == []


async def test_a_picture_is_made_larger_and_keeps_its_infotext(house: House) -> None:
    drawn = await house.draw("/draw prompt:an owl width:64 height:64 steps:1 seed:5")
    path = house.folder / "owl.png"
    path.write_bytes(await house.file(drawn))
    message = await house.draw(f"/upscale image:@{path} by:3")
    attachment = message["attachments"][0]
    assert (attachment["width"], attachment["height"]) == (192, 192)
    assert "3 times larger with" in words(message)
    assert "**an owl**" in words(message), "its own prompt is its title"
    assert "Seed: 5" in (pnginfo.read(await house.file(message)) or "")
    assert labels(message) == ["Delete"]


async def test_an_unknown_upscaler_is_refused_with_the_nearest(house: House, photo: Path) -> None:
    told = await house.refused(f"/upscale image:@{photo} upscaler:R-ESRGAN 5x")
    assert "There is no upscaler called" in told
    assert "R-ESRGAN 4x+" in told


async def test_words_for_a_picture_can_be_drawn(house: House, photo: Path) -> None:
    async with house.player() as player:
        described = await player.say(f"/describe image:@{photo}")
        assert described.ok, described.reason
        assert described.message is not None
        assert "What would draw this" in words(described.message)
        drawn = await player.say("press Draw this")
    assert drawn.ok, drawn.reason
    assert drawn.message is not None
    assert len(drawn.message["attachments"]) == 1


async def test_a_late_refusal_is_for_the_member_alone(
    house: House, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord shows "thinking …" to all; the refusal behind it is not theirs to read."""
    fetch = uploads.fetch

    async def slowly(option: str, attachment: discord.Attachment) -> bytes:
        await asyncio.sleep(0.2)
        return await fetch(option, attachment)

    monkeypatch.setattr(uploads, "fetch", slowly)
    monkeypatch.setattr(orders, "ROW_SECONDS", 0.02)
    cut = tmp_path / "cut.png"
    cut.write_bytes(photo.read_bytes()[:-40])
    before = len(house.shown(user="bob"))
    told = await house.refused(f"/img2img image:@{cut} prompt:x")
    assert "damaged" in told
    assert house.shown()[-1]["ephemeral"]
    assert len(house.shown(user="bob")) == before, "nobody else sees anything of it"


async def test_a_mask_without_white_and_options_without_a_mask_are_refused(
    house: House, photo: Path, tmp_path: Path
) -> None:
    blank = saved(tmp_path / "blank.png", Image.new("L", (64, 64), 0))
    told = await house.refused(f"/img2img image:@{photo} prompt:x mask:@{blank}")
    assert "The mask has no white" in told
    assert "without `mask`" in await house.refused(
        f"/img2img image:@{photo} prompt:x mask_padding:8"
    )
