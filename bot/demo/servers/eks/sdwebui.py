"""The agent's half for WebUI: a task becomes a request to it, its answer becomes a ``.out``.

Contract aws, 1.3 to 1.5 and 1.7. Whatever breaks on the way is told in Python's own words.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any, Final

from bot.demo.servers.eks.fetching import Fetcher, unbound
from bot.demo.servers.eks.handling import Outcome, Task
from bot.demo.servers.eks.webui import HTTPError, Unreachable, WebUI

_FOR_THE_AGENT: Final = frozenset(
    {"task", "id_task", "uid", "sd_model_checkpoint", "image_link", "save_dir", "sd_vae"}
    | {"override_settings"}
)
"""Keys of ``alwayson_scripts`` that are no scripts; WebUI never sees them."""
_REASON: Final = {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "Out of memory"}
Json = dict[str, Any]


class SdHandler:
    """Runs tasks on one WebUI."""

    def __init__(self, webui: WebUI, fetcher: Fetcher, *, dynamic: bool) -> None:
        self._webui, self._fetcher, self._dynamic = webui, fetcher, dynamic
        self._kinds: dict[object, Callable[[Json], Any]] = {
            "text-to-image": self._txt2img,
            "image-to-image": self._img2img,
            "extra-single-image": self._extra,
        }

    async def handle(self, task: Task, trouble: str) -> Outcome:
        """Pictures and a ``.out``; raises ``Unreachable``."""
        if trouble == "unreachable":
            raise Unreachable(trouble)
        try:
            answer = await self._answered(task, trouble)
            texts = answer["images"] if "images" in answer else [answer["image"]]
            files = await asyncio.to_thread(lambda: [base64.b64decode(text) for text in texts])
            return Outcome(_succeeded(task.name, answer), files)
        except Unreachable:
            raise
        except Exception as error:
            return Outcome(_failed(task.name, error), [])

    async def _answered(self, task: Task, trouble: str) -> Json:
        if trouble == "webui_error":
            raise HTTPError(500, "Internal Server Error", "txt2img", _REASON)
        kind = self._kinds.get(task.kind)
        if kind is None:
            raise unbound("task_response")
        answer: Json = await kind(task.content)
        return {**answer, "images": []} if trouble == "no_pictures" else answer

    async def _txt2img(self, body: Json) -> Any:
        await self._prepare(body)
        _move_overrides(body)
        _keep_scripts(body)
        return await self._webui.call("txt2img", await self._fetcher.replace(body))

    async def _img2img(self, body: Json) -> Any:
        await self._prepare(body)
        await self._fetcher.replace(body)
        _move_overrides(body)
        if "image_link" in body["alwayson_scripts"]:
            body["init_images"] = [body["alwayson_scripts"]["image_link"]]
        _keep_scripts(body)
        return await self._webui.call("img2img", body)

    async def _extra(self, body: Json) -> Any:
        return await self._webui.call("extra-single-image", await self._fetcher.replace(body))

    async def _prepare(self, body: Json) -> None:
        """There are always scripts; where the model is dynamic, they must name one."""
        if "alwayson_scripts" not in body:
            body["alwayson_scripts"] = {}
        elif self._dynamic and body["alwayson_scripts"]["sd_model_checkpoint"]:
            await self._switch(body["alwayson_scripts"]["sd_model_checkpoint"])

    async def _switch(self, title: str) -> None:
        loaded = (await self._webui.call("options"))["sd_model_checkpoint"]
        if loaded == title:
            return
        titles = [row["title"] for row in await self._webui.call("sd-models")]
        if title not in titles:
            raise Exception(f"Failed to switch model to {title}")  # noqa: TRY002 - its very class
        await self._webui.call("options", {"sd_model_checkpoint": title})


def _move_overrides(body: Json) -> None:
    overrides = body["alwayson_scripts"].get("override_settings")
    if overrides:
        body["override_settings"] = {**body.get("override_settings", {}), **overrides}


def _keep_scripts(body: Json) -> None:
    scripts = body["alwayson_scripts"]
    body["alwayson_scripts"] = {k: v for k, v in scripts.items() if k not in _FOR_THE_AGENT}


def _succeeded(name: str, answer: Json) -> str:
    if "parameters" in answer:
        seeds = json.loads(answer["info"])["all_seeds"]
        parameters = dict(answer["parameters"])
        parameters |= {"id_task": name, "image_seed": ",".join(map(str, seeds)), "error_msg": ""}
    else:
        parameters = {"html_info": answer["html_info"], "id_task": name, "error_msg": ""}
    return json.dumps({"images": [""], "parameters": parameters, "info": ""})


def _failed(name: str, error: Exception) -> str:
    reason = error.reason if isinstance(error, HTTPError) else None
    parameters = {"id_task": name, "status": 0, "error_msg": repr(error), "reason": reason}
    return json.dumps({"images": [""], "parameters": parameters, "info": ""})
