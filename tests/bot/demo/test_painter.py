"""The demo painter: the same order always paints the same picture, and every order paints one."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from bot.demo.painter import PainterPool, PaintOrder, draw, paint, preview
from bot.demo.painter.scene import MANNERS, PLACES, SUBJECTS, TIMES, WEATHERS, plan

PUPPY = PaintOrder("a maltese puppy, studio light", width=96, height=96, seed=7)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255."""
    stat = ImageStat.Stat(ImageChops.difference(one, other.resize(one.size)).convert("L"))
    return float(stat.mean[0])


def as_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_same_order_gives_the_same_bytes() -> None:
    assert paint(PUPPY) == paint(replace(PUPPY))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"prompt": "a maltese puppy, studio light."},
        {"negative_prompt": "blurry"},
        {"model": "animagineXL_v31"},
        {"sampler": "Euler a"},
        {"steps": 30},
        {"cfg_scale": 9.0},
        {"variation": (3, 0.1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_in_an_order_changes_the_picture(change: dict[str, object]) -> None:
    assert paint(PUPPY) != paint(replace(PUPPY, **change))  # type: ignore[arg-type]


def test_sampling_changes_strokes_but_not_what_stands_where() -> None:
    first = draw(PUPPY)
    more_steps = difference(first, draw(replace(PUPPY, steps=40)))
    other_prompt = difference(first, draw(replace(PUPPY, prompt="a castle at night")))
    assert more_steps < other_prompt / 3


def test_a_strong_variation_is_another_picture_a_weak_one_the_same_motif() -> None:
    first = draw(PUPPY)
    weak = difference(first, draw(replace(PUPPY, variation=(5, 0.1))))
    strong = difference(first, draw(replace(PUPPY, variation=(5, 0.9))))
    assert weak < strong


@pytest.mark.parametrize("size", [(1, 1), (8, 512), (512, 8), (64, 88), (200, 120)])
def test_any_size_comes_out_as_asked(size: tuple[int, int]) -> None:
    assert draw(PaintOrder("a fox in the snow", "", *size)).size == size


def test_a_huge_canvas_is_painted_smaller_and_enlarged() -> None:
    start = time.process_time()
    assert draw(PaintOrder("a castle", width=4096, height=2048)).size == (4096, 2048)
    assert time.process_time() - start < 8


@pytest.mark.parametrize("word", sorted(line.split()[0] for line in SUBJECTS.values()))
def test_every_subject_can_be_painted(word: str) -> None:
    assert draw(PaintOrder(f"a {word}", width=40, height=56)).size == (40, 56)


@pytest.mark.parametrize("word", sorted(line.split()[0] for line in PLACES.values()))
def test_every_place_can_be_painted(word: str) -> None:
    assert draw(PaintOrder(f"{word} in neon rain", width=56, height=40)).size == (56, 40)


@pytest.mark.parametrize("word", sorted(w for t in (TIMES, WEATHERS, MANNERS) for w in t))
def test_every_word_of_style_and_weather_changes_the_picture(word: str) -> None:
    table = {**TIMES, **WEATHERS, **MANNERS}
    plain = PaintOrder("a fox in a meadow at noon", width=64, height=64)
    styled = replace(plain, prompt=f"{table[word].split()[0]} fox in a meadow")
    assert difference(draw(plain), draw(styled)) > 3


def test_words_make_a_plan() -> None:
    scene = plan(PaintOrder("Two <lora:add_detail:0.8> OWLS, (snowy forest:1.2) at midnight"))
    assert (scene.subject, scene.place, scene.time, scene.weather) == (
        "owl",
        "forest",
        "night",
        "snow",
    )


def test_low_strength_keeps_the_source_high_strength_does_not() -> None:
    source = draw(PaintOrder("mountains at sunset", width=96, height=96, seed=4))
    order = replace(PUPPY, source=as_png(source))
    kept = [difference(source, draw(replace(order, strength=s))) for s in (0.0, 0.2, 0.6, 1.0)]
    assert kept == sorted(kept)
    assert kept[0] < 4, "only the signature may differ"
    assert draw(replace(order, strength=1.0)).tobytes() == draw(PUPPY).tobytes()


def test_only_the_white_of_the_mask_is_repainted() -> None:
    source = draw(PaintOrder("the sea", width=96, height=96, seed=4))
    mask = Image.new("L", (96, 96))
    ImageDraw.Draw(mask).rectangle((48, 0, 96, 60), fill=255)
    order = replace(PUPPY, source=as_png(source), mask=as_png(mask), mask_blur=0, strength=1.0)
    changed = draw(order)
    left, right = (0, 0, 46, 60), (50, 0, 96, 60)
    assert difference(source.crop(left), changed.crop(left)) == 0
    assert difference(source.crop(right), changed.crop(right)) > 10
    inverted = draw(replace(order, mask_inverted=True))
    assert difference(source.crop(right), inverted.crop(right)) < 4


@pytest.mark.parametrize("fit", ["stretch", "cover", "contain"])
def test_a_source_of_another_shape_is_fitted(fit: str) -> None:
    source = as_png(Image.new("RGBA", (120, 40), (200, 30, 30, 128)))
    picture = draw(replace(PUPPY, source=source, strength=0.1, fit=fit))
    assert picture.size == (96, 96)
    # Half transparent red lies on white.
    red, green, _ = picture.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red > green > 90


def test_previews_are_small_and_become_clearer() -> None:
    order = PaintOrder("a cat", width=512, height=384, seed=3)
    final = draw(order)
    shares = [difference(preview(order, share), final) for share in (0.05, 0.5, 1.0)]
    assert preview(order, 0.5).size == (192, 144)
    assert shares == sorted(shares, reverse=True)
    assert draw(replace(order, finished=0.3)).size == (512, 384)


async def test_a_pool_of_processes_paints_the_same_bytes_and_closes() -> None:
    pool = PainterPool(workers=1)
    assert await pool.run(paint, PUPPY) == paint(PUPPY)
    await pool.close()
    await pool.close()


async def test_a_pool_without_processes_paints_in_a_thread() -> None:
    pool = PainterPool(workers=0)
    assert await pool.run(paint, PUPPY) == paint(PUPPY)
    await pool.close()
