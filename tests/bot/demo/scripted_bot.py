"""A small bot on bare HTTP and websocket: answers each command and button in one known way.

It stands where the real bot will stand, so that the player is tested by what Discord's wire
allows and not by what our bot happens to do.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from typing import Any, Self

import aiohttp

ERROR_COLOUR = 0xD64545
Json = dict[str, Any]

COMMANDS: list[Json] = [
    {
        "name": "draw",
        "type": 1,
        "description": "Draw a picture",
        "options": [
            {"name": "prompt", "description": "What to draw", "type": 3, "required": True},
            {
                "name": "steps",
                "description": "How many",
                "type": 4,
                "min_value": 1,
                "max_value": 50,
            },
            {"name": "image", "description": "Start from this", "type": 11},
        ],
    },
    {"name": "PNG info", "type": 3},
]


def png(shade: int) -> bytes:
    """A PNG of 4 by 2 pixels in one grey."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = (b"\0" + bytes([shade]) * 4) * 2
    header = struct.pack(">IIBBBBB", 4, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


PREVIEW, PICTURE, AGAIN = png(100), png(200), png(250)


def row(*labels: str) -> list[Json]:
    """One action row of buttons whose custom_id is the last word of the label, small."""
    buttons = [
        {"type": 2, "style": 2, "label": label, "custom_id": label.split()[-1].lower()}
        for label in labels
    ]
    return [{"type": 1, "components": buttons}]


SELECT = {
    "type": 3,
    "custom_id": "strength",
    "options": [
        {"label": "🌱 Subtle", "value": "0.3"},
        {"label": "🌋 Strong", "value": "0.7"},
    ],
}
MODAL = {
    "title": "Change it",
    "custom_id": "change",
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 4, "custom_id": "prompt", "label": "Prompt", "style": 1, "value": "a cat"}
            ],
        },
        {
            "type": 1,
            "components": [
                {
                    "type": 4,
                    "custom_id": "steps",
                    "label": "Steps",
                    "style": 1,
                    "required": False,
                }
            ],
        },
    ],
}
RESULT_ROW = row("🔁 Again", "Vary", "✏️ Edit", "···", "🗑️ Delete")


class ScriptedBot:
    """Signs in to the stand-in, registers COMMANDS and answers; an async context manager."""

    def __init__(self, base_url: str, token: str) -> None:
        self._api = f"{base_url}/api/v10"
        self._token = token
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled = asyncio.Event()
        self.heard: list[Json] = []
        self.asked = asyncio.Event()
        self.failures: list[BaseException] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._start(self._live())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            self.failures.append(task.exception() or AssertionError())

    async def _live(self) -> None:
        address = (await self._rest("GET", "/gateway"))["url"]
        async with self._session.ws_connect(f"{address}?v=10&encoding=json") as socket:
            async for frame in socket:
                event = frame.json()
                if event["op"] == 10:
                    identity = {"token": self._token, "intents": 1, "properties": {}}
                    await socket.send_json({"op": 2, "d": identity})
                elif event.get("t") == "READY":
                    self._app = event["d"]["application"]["id"]
                    await self._rest("PUT", f"/applications/{self._app}/commands", COMMANDS)
                elif event.get("t") == "INTERACTION_CREATE":
                    self.heard.append(event["d"])
                    self.asked.set()
                    self._start(self._answer(event["d"]))

    async def _rest(
        self, method: str, path: str, body: Any = None, files: tuple[bytes, ...] = ()
    ) -> Any:
        headers = {"Authorization": f"Bot {self._token}"}
        more: Json = {"json": body} if body is not None else {}
        if files:
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps(body))
            for n, data in enumerate(files):
                form.add_field(f"files[{n}]", data, filename=f"picture-{n}.png")
            more = {"data": form}
        async with self._session.request(
            method, self._api + path, headers=headers, **more
        ) as answer:
            text = await answer.text()
            assert answer.ok, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    async def _respond(self, event: Json, kind: int, data: Json | None = None) -> None:
        path = f"/interactions/{event['id']}/{event['token']}/callback?with_response=true"
        await self._rest("POST", path, {"type": kind, "data": data} if data else {"type": kind})

    async def _edit(self, event: Json, body: Json, *files: bytes) -> None:
        attached = [{"id": n, "filename": f"picture-{n}.png"} for n in range(len(files))]
        path = f"/webhooks/{self._app}/{event['token']}/messages/@original"
        await self._rest("PATCH", path, {**body, "attachments": attached}, files)

    async def _answer(self, event: Json) -> None:
        data = event["data"]
        if event["type"] == 2:
            await (self._draw(event) if data["name"] == "draw" else self._info(event))
        elif event["type"] == 5:
            values = [field["value"] for row in data["components"] for field in row["components"]]
            await self._respond(event, 4, {"content": " / ".join(values)})
        else:
            await self._pressed(event, data)

    async def _info(self, event: Json) -> None:
        content = f"Steps: 5, about {event['data']['target_id']}"
        await self._respond(event, 4, {"content": content, "flags": 64})

    async def _draw(self, event: Json) -> None:
        options = {option["name"]: option["value"] for option in event["data"]["options"]}
        prompt = options["prompt"]
        if prompt == "silence":
            return
        if prompt == "trouble":
            embed = {"description": "The image server is tired.", "color": ERROR_COLOUR}
            await self._respond(event, 4, {"embeds": [embed], "components": row("Report")})
            return
        if prompt == "deferred":
            await self._respond(event, 5)
            await asyncio.sleep(0.3)  # longer than the tests' settle time
            await self._edit(event, {"content": "late"}, PICTURE)
            return
        card = {"content": f"🎨 **{prompt}**\n1st in line", "components": row("✖ Cancel")}
        await self._respond(event, 4, card)
        if prompt == "slow":
            await self._cancelled.wait()
            await self._edit(event, {"content": "Cancelled.", "components": []})
            return
        half = {"content": f"🎨 **{prompt}**\n50 percent", "components": row("✖ Cancel")}
        await self._edit(event, half, PREVIEW)
        await asyncio.sleep(0.05)
        embed = {"description": "seed 7", "image": {"url": "attachment://picture-0.png"}}
        done = {"content": f"**{prompt}**", "embeds": [embed], "components": RESULT_ROW}
        await self._edit(event, done, PICTURE, AGAIN)

    async def _pressed(self, event: Json, data: Json) -> None:
        match data["custom_id"]:
            case "cancel":
                await self._respond(event, 6)
                self._cancelled.set()
            case "report":
                await self._respond(event, 6)
            case "again":
                await self._respond(event, 4, {"content": "once more", "components": RESULT_ROW})
            case "vary":
                await self._respond(event, 6)
                body = {
                    "content": "How much?",
                    "flags": 64,
                    "components": [{"type": 1, "components": [SELECT]}],
                }
                await self._rest("POST", f"/webhooks/{self._app}/{event['token']}?wait=1", body)
            case "strength":
                chosen = f"Chosen: {data['values'][0]}"
                await self._respond(event, 7, {"content": chosen, "components": []})
            case "edit":
                await self._respond(event, 9, MODAL)
            case "···":
                await self._respond(event, 4, {"content": "Only for you", "flags": 64})
            case "delete":
                await self._respond(event, 6)
                path = f"/webhooks/{self._app}/{event['token']}/messages/@original"
                await self._rest("DELETE", path)
