"""The records of programs that write JSON, or a command line, beside their pictures.

Formats as their programs write them: NovelAI (`Comment`), InvokeAI (`invokeai_metadata`, before
3.0 `sd-metadata`, before 2.0 `Dream`), SwarmUI (`sui_image_params`), Fooocus (`fooocus_scheme`),
Draw Things (XMP). Each function takes what its program wrote and never raises.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from bot.images.reading import (
    Reading,
    json_object,
    model_of,
    settings_of,
    size_of,
    text_of,
    word_of,
)

Record = Mapping[str, Any]

# InvokeAI 2 took words in square brackets for the negative prompt.
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_DREAM_OPTION = re.compile(r"(?:^|\s)-([sSWHCA])\s*(\w[\w.+-]{0,59})")
_FOOOCUS_SIZE = re.compile(r"\(?\s*'?(\d{1,6})'?\s*[,x*×]\s*'?(\d{1,6})'?\s*\)?")
_XMP_COMMENT = re.compile(r"<exif:UserComment>(.{0,200000}?)</exif:UserComment>", re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,200}>")


def novelai(texts: Mapping[str, str]) -> Reading | None:
    """`Software: NovelAI`, the prompt in `Description`, the rest as JSON in `Comment`."""
    comment = json_object(texts.get("Comment"))
    if texts.get("Software") != "NovelAI" and not ("uc" in comment and "sampler" in comment):
        return None
    strength = comment.get("strength")
    settings = settings_of(
        [
            ("Steps", comment.get("steps")),
            ("CFG scale", comment.get("scale")),
            ("Seed", comment.get("seed")),
            ("Size", size_of(comment.get("width"), comment.get("height"))),
            ("Model", texts.get("Source")),
            # Every text-to-image record says strength, too; only with noise it was used.
            ("Denoising strength", strength if comment.get("noise") is not None else None),
        ],
        sampler=comment.get("sampler"),
        scheduler=comment.get("noise_schedule"),
    )
    prompt = (
        _captions(comment.get("v4_prompt")) or comment.get("prompt") or texts.get("Description")
    )
    negative = _captions(comment.get("v4_negative_prompt")) or comment.get("uc")
    raw = texts.get("Comment") or texts.get("Description") or ""
    return Reading("NovelAI", text_of(prompt), text_of(negative), settings, raw)


def invokeai(texts: Mapping[str, str]) -> Reading | None:
    """The newest of InvokeAI's three records that the picture has."""
    record = json_object(texts.get("invokeai_metadata"))
    if record:
        return _invokeai_3(record, texts["invokeai_metadata"])
    record = json_object(texts.get("sd-metadata"))
    if record:
        return _invokeai_2(record, texts["sd-metadata"])
    return _dream(texts["Dream"]) if "Dream" in texts else None


def swarmui(record: Record, raw: str) -> Reading | None:
    """The object of `sui_image_params`."""
    params = record.get("sui_image_params")
    if not isinstance(params, dict):
        return None
    settings = settings_of(
        [
            ("Steps", params.get("steps")),
            ("CFG scale", params.get("cfgscale")),
            ("Seed", params.get("seed")),
            ("Size", size_of(params.get("width"), params.get("height"))),
            ("Model", model_of(params.get("model"))),
        ],
        sampler=params.get("sampler"),
        scheduler=params.get("scheduler"),
    )
    prompts = text_of(params.get("prompt")), text_of(params.get("negativeprompt"))
    return Reading("SwarmUI", *prompts, settings, raw)


def fooocus(record: Record, raw: str) -> Reading | None:
    """Fooocus' own scheme: `base_model`, `guidance_scale`, `resolution` as a printed pair."""
    if "base_model" not in record or "prompt" not in record:
        return None
    size = _FOOOCUS_SIZE.fullmatch(word_of(record.get("resolution")))
    settings = settings_of(
        [
            ("Steps", record.get("steps")),
            ("CFG scale", record.get("guidance_scale")),
            ("Seed", record.get("seed")),
            ("Size", size_of(size[1], size[2]) if size else ""),
            ("Model", model_of(record.get("base_model"))),
            ("Version", record.get("version")),
        ],
        sampler=record.get("sampler"),
        scheduler=record.get("scheduler"),
    )
    prompts = text_of(record.get("prompt")), text_of(record.get("negative_prompt"))
    return Reading("Fooocus", *prompts, settings, raw)


def draw_things(xmp: str) -> Reading | None:
    """Draw Things keeps a JSON object with short keys in XMP's `exif:UserComment`."""
    start = xmp.find("<exif:UserComment>")
    comment = _XMP_COMMENT.match(xmp, start) if start >= 0 else None
    raw = html.unescape(_TAG.sub("", comment[1])).strip() if comment else ""
    record = json_object(raw)
    if "c" not in record:
        return None
    width, _, height = word_of(record.get("size")).partition("x")
    strength = record.get("strength")
    settings = settings_of(
        [
            ("Steps", record.get("steps")),
            ("CFG scale", record.get("scale")),
            ("Seed", record.get("seed")),
            ("Size", size_of(width, height)),
            ("Model", model_of(record.get("model"))),
            ("Denoising strength", strength if strength not in (1, 1.0) else None),
        ],
        sampler=record.get("sampler"),
    )
    return Reading("Draw Things", text_of(record["c"]), text_of(record.get("uc")), settings, raw)


def _captions(prompt: object) -> str:
    """NovelAI 4 has a base caption and one for each character; `|` is its own separator."""
    caption = prompt.get("caption") if isinstance(prompt, dict) else None
    if not isinstance(caption, dict):
        return ""
    people = caption.get("char_captions")
    captions = [
        text_of(one.get("char_caption"))
        for one in (people if isinstance(people, list) else [])[:20]
        if isinstance(one, dict)
    ]
    return " | ".join(filter(None, [text_of(caption.get("base_caption")), *captions]))


def _invokeai_3(record: Record, raw: str) -> Reading:
    model, loras = record.get("model"), record.get("loras")
    skip = record.get("clip_skip")
    settings = settings_of(
        [
            ("Steps", record.get("steps")),
            ("CFG scale", record.get("cfg_scale")),
            ("Seed", record.get("seed")),
            ("Size", size_of(record.get("width"), record.get("height"))),
            ("Model", _invokeai_model(model)),
            ("VAE", _invokeai_model(record.get("vae"))),
            ("Denoising strength", record.get("strength")),
            # InvokeAI counts the layers that are left out, the web UI the one that is taken.
            ("Clip skip", skip + 1 if isinstance(skip, int) and 0 < skip < 24 else None),
            ("LoRAs", _invokeai_loras(loras)),
            ("Version", record.get("app_version")),
        ],
        sampler=record.get("scheduler"),
    )
    prompts = text_of(record.get("positive_prompt")), text_of(record.get("negative_prompt"))
    return Reading("InvokeAI", *prompts, settings, raw)


def _invokeai_model(model: object) -> str:
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return model_of(model)


def _invokeai_loras(loras: object) -> str:
    pairs = [
        (_invokeai_model(lora.get("model") or lora.get("lora")), word_of(lora.get("weight")))
        for lora in (loras if isinstance(loras, list) else [])[:50]
        if isinstance(lora, dict)
    ]
    return ", ".join(f"{name}:{weight or 1}" for name, weight in pairs if name)


def _invokeai_2(record: Record, raw: str) -> Reading:
    image = record.get("image")
    image = image if isinstance(image, dict) else {}
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        parts = [part.get("prompt") for part in prompt[:50] if isinstance(part, dict)]
        prompt = " ".join(filter(None, map(text_of, parts)))
    settings = settings_of(
        [
            ("Steps", image.get("steps")),
            ("CFG scale", image.get("cfg_scale")),
            ("Seed", image.get("seed")),
            ("Size", size_of(image.get("width"), image.get("height"))),
            ("Model hash", record.get("model_hash")),
            ("Model", model_of(record.get("model_weights"))),
            ("Denoising strength", image.get("strength")),
            ("Version", record.get("app_version")),
        ],
        sampler=image.get("sampler"),
    )
    return Reading("InvokeAI", *_bracketed(text_of(prompt)), settings, raw)


def _dream(command: str) -> Reading:
    """`"prompt [negative]" -s 50 -S 1 -W 512 -H 512 -C 7.5 -A k_lms`, as it was typed."""
    end = command.rfind('"')
    quoted = command[command.find('"') + 1 : end] if end > 0 else ""
    options = dict(_DREAM_OPTION.findall(command[end + 1 :][:2_000]))
    settings = settings_of(
        [
            ("Steps", options.get("s")),
            ("CFG scale", options.get("C")),
            ("Seed", options.get("S")),
            ("Size", size_of(options.get("W"), options.get("H"))),
        ],
        sampler=options.get("A"),
    )
    return Reading("InvokeAI", *_bracketed(text_of(quoted)), settings, command)


def _bracketed(prompt: str) -> tuple[str, str]:
    negative = ", ".join(filter(None, (words.strip() for words in _BRACKETS.findall(prompt))))
    return " ".join(_BRACKETS.sub(" ", prompt).split()) if negative else prompt, negative
