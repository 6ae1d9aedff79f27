"""The faces of a request's message: calm words, within Discord's limits, whatever was typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.discord.errors import Problems
from bot.demo.discord.limits import check_message
from bot.errors import BackendFailed
from bot.queue.job import Place
from bot.values.look import CALM_COLOUR, DONE_COLOUR, ERROR_COLOUR, QUIET_COLOUR
from bot.values.picture import Progress
from cogs._ui import cards
from cogs._ui.cards import Card, clipped, duration, ordinal
from tests.cogs import samples
from tests.cogs._ui.faces import FACES, every_face, footer_of, labels, text_of
from tests.cogs.samples import job, picture

prompts = st.text(min_size=1, max_size=4000).filter(str.strip) | st.text(
    "*_~`|<>[]()@#\\ a:/1t", min_size=300, max_size=600
)


# -- Discord's limits ------------------------------------------------------------------------------


def within_limits(card: Card) -> None:
    """What Discord refuses: description 4,096, footer 2,048, 6,000 in all, broken buttons."""
    description, footer = text_of(card), footer_of(card)
    assert 0 < len(description) <= 4096
    assert len(footer) <= 2048
    assert len(card.embed) <= 6000
    components = card.view.to_components() if card.view is not None else []
    problems = Problems()
    check_message(problems, {"embeds": [card.embed.to_dict()], "components": components}, v2=False)
    problems.raise_if_any()


@every_face
async def test_any_prompt_fits_on_every_face(face: Callable[[str], Card]) -> None:
    @given(prompts)
    def fits(prompt: str) -> None:
        within_limits(face(prompt))

    fits()


@pytest.mark.parametrize("sign", ["*", "\\", "<", "[", "_", "😀", "\u202e", "ﷺ"])
async def test_the_longest_prompt_of_one_sign_fits(sign: str) -> None:
    for face in FACES.values():
        within_limits(face(sign * 4000))


async def test_names_of_any_length_fit() -> None:
    """Models and samplers are named by the server, files by their makers."""
    order = samples.request(model="m" * 3000, sampler="s" * 3000, scheduler="k" * 3000)
    long = job(order=order)
    within_limits(cards.waiting(long, Place(3, 40.0)))
    within_limits(cards.drawing(long, Progress(0.5)))
    within_limits(cards.done(long, [picture()]))


# -- the faces -------------------------------------------------------------------------------------


async def test_waiting_tells_the_place_and_about_how_long() -> None:
    card = cards.waiting(job(), Place(3, 40.0))
    assert text_of(card) == "🎨 **a maltese puppy**"
    assert footer_of(card) == "dreamshaper_8 · 3rd in line, about 40 s"
    assert labels(card) == ["Cancel"]
    assert card.embed.colour is not None
    assert card.embed.colour.value == CALM_COLOUR
    assert footer_of(cards.waiting(job(), Place(1, None))) == "dreamshaper_8 · next in line"


async def test_waiting_tells_why_nothing_moves() -> None:
    assert "⚠️ The image server is away." in text_of(
        cards.waiting(job(), Place(1, None), "The image server is away.")
    )


async def test_drawing_shows_a_calm_bar() -> None:
    card = cards.drawing(job(), Progress(0.6, 12, 20, 9.0))
    assert text_of(card).split("\n")[1] == "▓▓▓▓▓▓░░░░ 12 / 20"
    assert footer_of(card) == "dreamshaper_8 · 60 percent, 9 s left"
    assert labels(card) == ["Cancel"]


@pytest.mark.parametrize("progress", [None, Progress(0.0), Progress(0.0, 0, 20)])
async def test_before_anything_is_known_it_only_says_drawing(progress: Progress | None) -> None:
    card = cards.drawing(job(), progress)
    assert text_of(card) == "🎨 **a maltese puppy**"
    assert footer_of(card) == "dreamshaper_8 · drawing"


async def test_a_model_that_is_loaded_is_not_being_drawn() -> None:
    card = cards.drawing(job(order=samples.request(kind="load")), None)
    assert footer_of(card) == "dreamshaper_8 · loading"


async def test_drawing_shows_the_preview_that_is_attached() -> None:
    shown = cards.drawing(job(), Progress(0.6, 12, 20, 9.0, b"a sketch")).embed.to_dict()
    assert shown["image"]["url"] == f"attachment://{cards.PREVIEW}"
    assert "image" not in cards.drawing(job(), Progress(0.6, 12, 20, 9.0)).embed.to_dict()


async def test_a_cancel_that_still_saves_says_so() -> None:
    card = cards.drawing(job(), None, stopping=True)
    assert footer_of(card) == "dreamshaper_8 · stopping"


async def test_a_bar_is_always_ten_long() -> None:
    @given(st.floats(0.001, 1.0))
    def ten(fraction: float) -> None:
        bar = text_of(cards.drawing(job(), Progress(fraction))).split("\n")[1]
        assert len(bar) == cards.BAR
        assert bar == "▓" * bar.count("▓") + "░" * bar.count("░")

    ten()


async def test_done_tells_the_facts_quietly() -> None:
    card = cards.done(job(started_at=1_010.0, ended_at=1_021.0), [picture()])
    assert text_of(card) == "**a maltese puppy** — <@1001>"
    assert footer_of(card).replace("\N{NO-BREAK SPACE}", " ") == (
        "dreamshaper_8 · 768×512 · seed 985454925 · 20 steps DPM++ 2M Karras · CFG 7 · 11 s"
    )
    assert labels(card) == ["Again", "Delete"]
    assert card.embed.colour is not None
    assert card.embed.colour.value == DONE_COLOUR


async def test_a_figure_and_its_unit_stay_on_one_line() -> None:
    card = cards.done(job(started_at=1_010.0, ended_at=1_021.0), [picture()])
    assert footer_of(card).endswith("11\N{NO-BREAK SPACE}s")


async def test_done_leaves_out_what_is_not_known() -> None:
    order = samples.request(model=None, sampler=None, scheduler=None, cfg_scale=6.5)
    card = cards.done(job(order=order), [picture(5), picture(6)])
    assert footer_of(card) == "768×512 · seeds from 5 · 20 steps · CFG 6.5"


async def test_what_can_not_be_drawn_again_offers_no_again() -> None:
    followed = samples.request(control={"kind": "canny"})
    assert labels(cards.done(job(order=followed), [picture()])) == ["Delete"]


async def test_one_step_is_one_and_variations_are_told_from_seeds() -> None:
    rare = {"variation_seed": 5, "variation_strength": 0.2}
    order = samples.request(steps=1, rare=rare)
    assert "seed 42, variation 5 · 1 step DPM" in footer_of(
        cards.done(job(order=order), [picture(42)])
    )
    several = cards.done(job(order=order), [picture(42), picture(42)])
    assert "seed 42, variations from 5 ·" in footer_of(several)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("describe", "can't describe this picture"),
        ("upscale", "can't make this picture larger"),
        ("txt2img", "broke down while painting"),
    ],
)
async def test_a_failure_says_what_failed(kind: str, told: str) -> None:
    error = BackendFailed()
    failed = job(
        order=samples.request(kind=kind), error_code=error.code, error_sentence=error.sentence
    )
    assert told in text_of(cards.failed(failed))


async def test_done_links_to_where_it_came_from_and_says_what_was_changed() -> None:
    card = cards.done(job(), [picture()], source="https://discord.com/channels/1/2/3", note="⚠️ N")
    assert "from [this one](https://discord.com/channels/1/2/3)" in text_of(card)
    assert text_of(card).endswith("\n⚠️ N")


async def test_what_was_not_made_as_asked_is_said_once() -> None:
    odd = "The server used Euler_a."
    pictures = [picture(1, remark=odd), picture(2), picture(3, remark=odd)]
    assert text_of(cards.done(job(), pictures, note="⚠️ N")).split("\n")[1:] == [
        "The server used Euler\\_a.",
        "⚠️ N",
    ]


async def test_the_size_is_the_pictures_own() -> None:
    """stable-diffusion.cpp rounds up to 64 (sdapi 10)."""
    assert "832×576" in footer_of(cards.done(job(), [picture(width=832, height=576)]))


async def test_failed_says_what_to_do_and_its_number() -> None:
    card = cards.failed(job(error_sentence="Try a smaller size.", error_ref="4f2a"))
    assert text_of(card) == "**a maltese puppy**\nTry a smaller size."
    assert footer_of(card) == "error 4f2a"
    assert labels(card) == ["Try again", "Delete"]
    assert card.embed.colour is not None
    assert card.embed.colour.value == ERROR_COLOUR
    assert "our side" in text_of(cards.failed(job())), "a reason that was lost is still kind"


async def test_only_errors_wear_the_error_colour() -> None:
    """The demo's player tells by it whether a line ended well."""
    for name, face in FACES.items():
        colour = face("a cat").embed.colour
        assert colour is not None
        assert (colour.value == ERROR_COLOUR) is (name == "failed"), name
    refused = cards.refusal("No.", "4f2a")
    assert refused.embed.colour is not None
    assert refused.embed.colour.value == ERROR_COLOUR
    assert (text_of(refused), footer_of(refused), refused.view) == ("No.", "error 4f2a", None)
    assert footer_of(cards.refusal("No.")) == ""


async def test_cancelled_is_quiet_and_can_be_tried_again() -> None:
    card = cards.cancelled(job())
    assert text_of(card) == "**a maltese puppy**\nCancelled."
    assert labels(card) == ["Try again", "Delete"]
    assert card.embed.colour is not None
    assert card.embed.colour.value == QUIET_COLOUR


async def test_cancelled_half_way_shows_what_was_finished() -> None:
    order = samples.request(count=4)
    card = cards.cancelled(job(order=order), [picture(5), picture(6)])
    assert text_of(card) == "**a maltese puppy**\nCancelled. 2 of 4 were finished."
    assert "768×512 · seeds from 5 · 20 steps" in footer_of(card)
    assert labels(card) == ["Try again", "Delete"]
    one = cards.cancelled(job(order=order), [picture(5)], note="⚠️ Saved in a smaller form.")
    assert text_of(one).endswith("1 of 4 was finished.\n⚠️ Saved in a smaller form.")


async def test_parked_says_what_to_press_and_what_happens_otherwise() -> None:
    card = cards.parked(job())
    assert "**Keep waiting**" in text_of(card)
    assert "direct message" in text_of(card)
    assert labels(card) == ["Keep waiting", "Cancel"]


@every_face
async def test_every_button_acts_on_this_job_and_survives_a_restart(
    face: Callable[[str], Card],
) -> None:
    view = face("a cat").view
    assert view is not None
    assert view.timeout is None
    ids = [b["custom_id"] for row in view.to_components() for b in row["components"]]
    assert all(i.startswith("job:7:") for i in ids)
    assert len(set(ids)) == len(ids)


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (0.2, "1 s"),
        (-5, "1 s"),
        (9.4, "9 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (130, "2 min 10 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (754, "12 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (3900, "1 h 5 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("n", "words"),
    [
        *[(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th")],
        *[(12, "12th"), (13, "13th"), (20, "20th"), (21, "21st"), (22, "22nd"), (23, "23rd")],
        *[(100, "100th"), (101, "101st"), (111, "111th"), (112, "112th"), (121, "121st")],
    ],
)
def test_a_place_is_said_as_people_say_it(n: int, words: str) -> None:
    assert ordinal(n) == words


@given(st.text(max_size=50), st.integers(1, 60))
def test_clipped_words_are_never_longer_and_never_on_two_lines(text: str, most: int) -> None:
    shown = clipped(text, most)
    assert len(shown) <= most
    assert len(shown.splitlines()) <= 1
