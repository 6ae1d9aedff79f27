"""Buttons, selects and forms, named as people name them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.controls import bare, find_button, find_choice, offers_cancel, read_fields
from bot.demo.say import PlayError
from bot.demo.slash import Known, Upload


def button(label: str | None, custom_id: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": label, "custom_id": custom_id, **more}


def message(*components: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": list(components)}]}


RESULT = message(
    button("🔁 Again", "one"),
    button("Again", "two"),
    button("Vary", disabled=True),
    button("···", "more"),
    button(None, "bin", emoji={"name": "🗑️"}),
    button("Guide", style=5),
)


@pytest.mark.parametrize(
    ("asked", "nth", "custom_id"),
    [("again", 1, "one"), ("🎨 AGAIN", 2, "two"), ("...", 1, "more"), ("🗑️", 1, "bin")],
)
def test_a_button_is_found_by_its_words(asked: str, nth: int, custom_id: str) -> None:
    assert find_button(RESULT, asked, nth)["custom_id"] == custom_id


@pytest.mark.parametrize(
    ("asked", "nth", "words"),
    [
        ("Agian", 1, "no button “Agian”; it has 🔁 Again, Again, Vary"),
        ("Again", 3, "no button “Again#3”"),
        ("Vary", 1, "disabled"),
        ("Guide", 1, "is a link"),
    ],
)
def test_a_button_that_cannot_be_pressed_is_refused(asked: str, nth: int, words: str) -> None:
    with pytest.raises(PlayError, match=words):
        find_button(RESULT, asked, nth)


def test_labels_match_without_emoji_and_keep_their_words() -> None:
    assert bare("✖️  Cancel") == "cancel"
    assert bare("👩‍🎨 2× larger") == "2× larger"
    assert bare("🗑️") == "🗑️"


def test_a_message_offers_cancel_only_while_it_can_be_pressed() -> None:
    assert offers_cancel(message(button("✖ Cancel")))
    assert not offers_cancel(message(button("Cancel", disabled=True)))
    assert not offers_cancel(RESULT)


def test_a_button_inside_a_container_is_found() -> None:
    section = {"type": 9, "components": [], "accessory": button("Open", "deep")}
    card = {"components": [{"type": 17, "components": [section]}]}
    assert find_button(card, "open")["custom_id"] == "deep"


STRENGTH = {
    "type": 3,
    "custom_id": "strength",
    "max_values": 2,
    "options": [{"label": "🌱 Subtle", "value": "0.3"}, {"label": "Strong", "value": "0.7"}],
}


@pytest.mark.parametrize(
    ("asked", "values"),
    [("subtle", ["0.3"]), ("0.7", ["0.7"]), ("Strong, Subtle", ["0.7", "0.3"])],
)
def test_an_option_is_found_by_label_or_value(asked: str, values: list[str]) -> None:
    select, chosen = find_choice(message(STRENGTH), asked, Known())
    assert (select["custom_id"], chosen) == ("strength", values)


def test_members_and_channels_are_selected_by_name() -> None:
    known = Known(users=[{"id": "11", "username": "ada"}], channels=[{"id": "21", "name": "easel"}])
    menu = message({"type": 5, "custom_id": "who"}, {"type": 8, "custom_id": "where"})
    assert find_choice(menu, "@ada", known)[1] == ["11"]
    assert find_choice(menu, "#easel", known)[0]["custom_id"] == "where"


def test_what_cannot_be_selected_is_refused() -> None:
    with pytest.raises(PlayError, match=r"no option “Wild”; it has 🌱 Subtle, Strong"):
        find_choice(message(STRENGTH), "Wild", Known())
    with pytest.raises(PlayError, match="nothing to select"):
        find_choice(RESULT, "Subtle", Known())


FORM = {
    "title": "Edit",
    "custom_id": "edit:7",
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 4, "custom_id": "prompt", "label": "✏️ Your prompt", "value": "a cat"}
            ],
        },
        {
            "type": 18,
            "label": "Steps",
            "component": {"type": 4, "custom_id": "steps_field", "required": False},
        },
        {"type": 10, "id": 3, "content": "Only if you like:"},
        {"type": 18, "label": "Model", "component": {**STRENGTH, "custom_id": "m"}},
        {
            "type": 18,
            "label": "Start from",
            "component": {"type": 19, "custom_id": "file", "required": False},
        },
        {
            "type": 18,
            "label": "Private",
            "component": {"type": 23, "custom_id": "private", "required": False},
        },
    ],
}


def test_a_form_is_filled_by_label_or_id_and_keeps_what_it_held() -> None:
    said = "your PROMPT:a dog: running steps_field:8 model:Strong start from:@a b.png private:yes"
    prompt, steps, text, model, file, private = read_fields(said, FORM)
    assert prompt["components"] == [{"type": 4, "custom_id": "prompt", "value": "a dog: running"}]
    assert steps == {
        "type": 18,
        "component": {"type": 4, "custom_id": "steps_field", "value": "8"},
    }
    assert text == {"type": 10, "id": 3}
    assert model["component"]["values"] == ["0.7"]
    assert file["component"]["values"] == [Upload("a b.png")]
    assert private["component"]["value"] is True

    kept = read_fields("Model:subtle", FORM)
    assert kept[0]["components"][0]["value"] == "a cat"
    assert kept[1]["component"]["value"] == ""
    assert kept[5]["component"]["value"] is False


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Sampler:Euler", "no field “Sampler”; it has ✏️ Your prompt, Steps, Model"),
        ("Steps:8", "needs Model"),
        ("Model:Wild", "Model can't be “Wild”; it is one of"),
        ("Model:Strong prompt:", "needs ✏️ Your prompt"),
    ],
)
def test_a_form_filled_wrongly_is_refused(said: str, words: str) -> None:
    with pytest.raises(PlayError, match=words):
        read_fields(said, FORM)
