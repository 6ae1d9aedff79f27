"""What a play says and keeps: text of messages, only changes, files as served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.demo.say import PlayError
from bot.demo.transcript import Keeper, Teller, attachment_urls, render

PEOPLE = [("1", "Ada"), ("2", "Bob")]
HOST = "http://127.0.0.1:1"


def message(version: int = 0, **more: Any) -> dict[str, Any]:
    author = {"id": "9", "username": "easel", "global_name": "Easel"}
    return {"id": "500", "channel_id": "21", "author": author, "version": version, **more}


WAITING: dict[str, Any] = {
    "content": "🎨 **a cat**\n1st in line",
    "components": [{"type": 1, "components": [{"type": 2, "label": "✖ Cancel"}]}],
}
DONE: dict[str, Any] = {
    "content": "🎨 **a cat**",
    "embeds": [
        {
            "title": "Facts",
            "description": "seed 7",
            "fields": [{"name": "Steps", "value": "5"}],
            "image": {"url": f"{HOST}/cdn/attachments/21/71/wide%20cat.png?ex=1"},
        }
    ],
    "attachments": [
        {
            "filename": "cat.png",
            "size": 341_200,
            "width": 512,
            "height": 768,
            "url": f"{HOST}/cdn/attachments/21/70/cat.png?ex=1",
        }
    ],
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 2, "label": "Again"},
                {"type": 2, "label": "Vary", "disabled": True},
                {"type": 2, "label": "Guide", "style": 5},
            ],
        },
        {
            "type": 1,
            "components": [
                {"type": 3, "placeholder": "Size", "options": [{"label": "S"}, {"label": "L"}]}
            ],
        },
    ],
}


def test_a_message_is_told_in_a_few_lines() -> None:
    assert render(message(**DONE)) == [
        "🎨 **a cat**",
        "Facts",
        "seed 7",
        "Steps: 5",
        "🖼 wide cat.png",
        "📎 cat.png (512×768, 341 kB)",
        "[Again] (Vary) [Guide ↗]",
        "[Size ▾ S | L]",
    ]
    assert render(message(loading=True, ephemeral=True)) == ["(private)", "is thinking…"]


def test_a_card_of_components_v2_is_told_and_its_files_are_found() -> None:
    picture = {"media": {"url": f"{HOST}/cdn/attachments/21/72/a.png"}}
    card = message(
        components=[
            {
                "type": 17,
                "components": [
                    {"type": 10, "content": "A card\nof two lines"},
                    {"type": 12, "items": [picture]},
                    {"type": 13, "file": {"url": f"{HOST}/cdn/attachments/21/73/b.txt"}},
                    {
                        "type": 9,
                        "components": [{"type": 10, "content": "More"}],
                        "accessory": {"type": 11, "media": {"url": "https://elsewhere/c.png"}},
                    },
                ],
            }
        ]
    )
    assert render(card) == ["A card", "of two lines", "🖼 a.png", "📎 b.txt", "More"]
    assert [url.rsplit("/", 1)[-1] for url in attachment_urls(card)] == ["a.png", "b.txt"]


def test_only_lines_that_changed_are_said_again() -> None:
    said: list[str] = []
    now = [10.0]
    teller = Teller(said.append, lambda: now[0])
    teller.show("#easel", message(0, loading=True))
    now[0] = 10.5
    teller.show("#easel", message(1, **WAITING))
    teller.show("#easel", message(1, **WAITING))
    now[0] = 12.25
    teller.show("#easel", message(2, **{**WAITING, "content": "🎨 **a cat**\n50 percent"}))
    teller.show("#easel", message(0, content="a late word from another view"))
    teller.show("#easel", message(3, content="🎨 **a cat**\n50 percent"))
    assert said == [
        "    0.0 s  #easel Easel·1 │ is thinking…",
        "    0.5 s  #easel Easel·1 │ 🎨 **a cat**",
        "    0.5 s  #easel Easel·1 │ 1st in line",
        "    0.5 s  #easel Easel·1 │ [✖ Cancel]",
        "    2.2 s  #easel Easel·1 │ 50 percent",
        "    2.2 s  #easel Easel·1 │ − [✖ Cancel]",
    ]


def test_members_and_channels_are_called_by_their_names() -> None:
    said: list[str] = []
    teller = Teller(said.append, lambda: 0.0)
    ada, bob = ({"id": i, "username": name.lower(), "global_name": name} for i, name in PEOPLE)
    teller.show("#easel", message(0, interaction_metadata={"user": ada}))
    called = {"content": "<@1> <@!2>, done", "mentions": [bob]}
    teller.show("#gallery", {**message(0, **called), "id": "501", "channel_id": "22"})
    told = {"description": "<@9> for <@1> in <#21>; <@7>, <#7>, <@&1>"}
    teller.show("@ada", {**message(0, embeds=[told]), "id": "502", "channel_id": "31"})
    assert [line.split(" │ ")[1] for line in said] == [
        "@Ada @Bob, done",
        "@Easel for @Ada in #easel; <@7>, <#7>, <@&1>",
    ]


async def test_each_file_is_saved_once_as_served(tmp_path: Path) -> None:
    asked: list[str] = []
    complaints: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        if "71" in url:
            raise PlayError("gone")
        return b"bytes of " + url.encode()

    keeper = Keeper(tmp_path, fetch, complaints.append)
    keeper.see(message(1, **DONE))
    resigned = {"filename": "cat.png", "url": f"{HOST}/cdn/attachments/21/70/cat.png?ex=2"}
    keeper.see(message(2, attachments=[resigned]))
    keeper.see(message(3, attachments=[{"url": f"{HOST}/cdn/attachments/21/74/..%2Fx.png"}]))
    await keeper.done()

    assert len(asked) == 3
    assert keeper.files("500") == ["500-1-cat.png", "500-2-wide_cat.png", "500-3-x.png"]
    assert (tmp_path / "500-1-cat.png").read_bytes() == b"bytes of " + asked[0].encode()
    assert complaints == ["500-2-wide_cat.png was not saved: gone"]
