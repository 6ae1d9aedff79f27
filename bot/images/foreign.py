"""PNG info for pictures from anywhere: which program made it, and how, in the web UI's words.

`pnginfo` is the grammar we write; this room reads the others. Nothing in a stranger's file can
raise here: what is broken or unknown gives a partial Reading or none. Not read: words hidden in
pixels ("stealth" PNG info), which would need a whole picture decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.images import foreign_records, pnginfo, sniff
from bot.images.comfy_graph import graph_of, read_graph
from bot.images.comfy_workflow import graph_of_workflow
from bot.images.infotext import Infotext
from bot.images.reading import Reading, json_object, text_of
from bot.images.texts import MOST_BYTES, XMP, texts
from bot.images.webui_names import sampler_of

__all__ = ["Reading", "from_infotext", "read_any"]

A1111 = "A1111"
COMFYUI = "ComfyUI"

# SD.Next's names for what the web UI calls otherwise.
_KEYS = {"Variation strength": "Variation seed strength", "Hires scale": "Hires upscale"}
# Forge counts its versions from f0; its younger branches write their name.
_FORGE = re.compile(r"f\d.*|neo\b.*|classic\b.*|(re)?forge\b.*", re.IGNORECASE | re.DOTALL)
_VERSIONS = {
    "stable-diffusion.cpp": "stable-diffusion.cpp",
    "comfyui": COMFYUI,
    "fooocus": "Fooocus",
    "easel": "Easel",
}


def read_any(data: bytes) -> Reading | None:
    """What a PNG, JPEG, WebP or GIF says about how it was made; None when it says nothing.

    Reads A1111, Forge, SD.Next and all who write infotext; ComfyUI; NovelAI; InvokeAI (three
    generations); SwarmUI, Fooocus, Draw Things. Never raises, reads at most 1 MiB of text and
    decodes no pixels. Ordinary files take a few milliseconds, a hostile one up to 300: call it in a
    thread.
    """
    named = texts(data)
    infotext = (pnginfo.read(data) or "")[:MOST_BYTES]
    # Where a format has no named texts, some programs put a whole object into the comment.
    record = json_object(infotext)
    reading = (
        foreign_records.novelai({**_strings(record), **named})
        or foreign_records.invokeai(named)
        or foreign_records.swarmui(record, infotext)
        or foreign_records.fooocus(record, infotext)
    )
    if reading:
        return reading
    written = None if record else from_infotext(infotext)
    if written and written.settings:
        # Some nodes of ComfyUI write infotext as well: of the two it is the plainer one.
        by_comfy = written.origin == A1111 and '"class_type"' in named.get("prompt", "")
        return replace(written, origin=COMFYUI) if by_comfy else written
    drawn = foreign_records.draw_things(named[XMP]) if XMP in named else None
    # Without settings only a chunk of the right name is a prompt: cameras comment, too.
    is_prompt = sniff.sniff(data) == sniff.PNG and "parameters" in named
    return drawn or _comfyui(named, record, infotext) or (written if is_prompt else None)


def from_infotext(text: str) -> Reading | None:
    """A Reading of infotext, its program told by `App` and `Version`; None of an empty one.

    Sampler names of other servers become the web UI's, "DPM++ 2M Karras" becomes two.
    """
    parsed = Infotext.parse(text)
    settings: dict[str, str] = {}
    for key, value in parsed.settings.items():
        name, schedule = sampler_of(value) if key == "Sampler" else (value, "")
        settings.setdefault(_KEYS.get(key, key), text_of(name))
        if schedule and "Schedule type" not in parsed.settings:
            settings["Schedule type"] = schedule
    prompt, negative = text_of(parsed.prompt), text_of(parsed.negative_prompt)
    if not (prompt or negative or settings):
        return None
    return Reading(_origin(settings), prompt, negative, settings, text)


def _origin(settings: Mapping[str, str]) -> str:
    app, version = settings.get("App", ""), settings.get("Version", "")
    if app.lower() in ("sd.next", "sdnext"):
        return "SD.Next"
    if _FORGE.fullmatch(version):
        return "Forge"
    for begin, origin in _VERSIONS.items():
        if version.lower().startswith(begin) or app.lower().startswith(begin):
            return origin
    civitai = any(key.startswith("Civitai ") for key in settings)
    return "Civitai" if civitai else A1111


def _strings(record: Mapping[str, object]) -> dict[str, str]:
    return {key: value for key, value in record.items() if isinstance(value, str)}


def _comfyui(
    named: Mapping[str, str], record: Mapping[str, object], comment: str
) -> Reading | None:
    """The executed graph if it leads anywhere, else the page's workflow."""
    executed, drawn = (
        json_object(named.get(key)) or (value if isinstance(value := record.get(key), dict) else {})
        for key in ("prompt", "workflow")
    )
    found = [read_graph(graph) for graph in (graph_of(executed), graph_of_workflow(drawn)) if graph]
    if not found:
        return None
    best = next((one for one in found if one.prompt or one.settings), found[0])
    raw = named.get("prompt") or named.get("workflow") or comment
    return Reading(COMFYUI, best.prompt, best.negative_prompt, best.settings, raw)
