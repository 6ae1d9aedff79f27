"""What a finished request says of itself: infotexts and the object of ``info``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.demo.servers.sdapi import catalogue, infotext
from bot.demo.servers.sdapi.checkpoints import Checkpoint
from bot.demo.servers.sdapi.options import Options
from bot.demo.servers.sdapi.processing import Processing


@dataclass(frozen=True)
class Look:
    """What the request is made with: the loaded model and the options in force."""

    checkpoint: Checkpoint
    options: Options
    timestamp: str


def infotext_of(work: Processing, index: int, look: Look) -> str:
    """The infotext of picture ``index``; it always claims all steps and the asked size."""
    asked, options, strength = work.asked, look.options, work.asked["denoising_strength"]
    vae = work.manner.vaes(options)
    skip, delta = options["CLIP_stop_at_last_layers"], options["eta_noise_seed_delta"]
    parameters = {
        "Steps": asked["steps"],
        "Sampler": work.sampler.name,
        "Schedule type": work.scheduler.label or None,
        "CFG scale": asked["cfg_scale"],
        "Image CFG scale": asked.get("image_cfg_scale"),
        "Seed": work.seeds[index],
        "Face restoration": _face_restoration(work, options),
        "Size": f"{asked['width']}x{asked['height']}",
        "Model hash": look.checkpoint.short_hash,
        "Model": look.checkpoint.name,
        "VAE hash": catalogue.fake_hash(vae[0])[:10] if vae else None,
        "VAE": vae[0] if vae else None,
        "Variation seed": work.subseeds[index] if asked["subseed_strength"] else None,
        "Variation seed strength": asked["subseed_strength"] or None,
        "Denoising strength": strength if work.hires or work.kind == "img2img" else None,
        "Clip skip": skip if isinstance(skip, int) and skip > 1 else None,
        "ENSD": delta if delta and ("uses_ensd", "True") in work.sampler.options else None,
        "Tiling": "True" if asked["tiling"] else None,
        **work.extra,
        "Version": work.manner.version,
    }
    return infotext.write(work.prompt, work.negative, parameters)


def info_of(work: Processing, infotexts: list[str], grid: bool, look: Look) -> dict[str, Any]:
    """The object that travels as the JSON string ``info``."""
    asked, vae = work.asked, work.manner.vaes(look.options)
    count = len(work.seeds)
    return {
        "prompt": work.prompt,
        "all_prompts": [work.prompt] * count,
        "negative_prompt": work.negative,
        "all_negative_prompts": [work.negative] * count,
        "seed": work.seeds[0],
        "all_seeds": work.seeds,
        "subseed": work.subseeds[0],
        "all_subseeds": work.subseeds,
        "subseed_strength": asked["subseed_strength"],
        "width": asked["width"],
        "height": asked["height"],
        "sampler_name": work.sampler.name,
        "cfg_scale": asked["cfg_scale"],
        "steps": asked["steps"],
        "batch_size": asked["batch_size"],
        "restore_faces": bool(asked["restore_faces"]),
        "face_restoration_model": _face_restoration(work, look.options),
        "sd_model_name": look.checkpoint.name,
        "sd_model_hash": look.checkpoint.short_hash,
        "sd_vae_name": vae[0] if vae else None,
        "sd_vae_hash": catalogue.fake_hash(vae[0])[:10] if vae else None,
        "seed_resize_from_w": asked["seed_resize_from_w"],
        "seed_resize_from_h": asked["seed_resize_from_h"],
        "denoising_strength": asked["denoising_strength"],
        "extra_generation_params": work.extra,
        "index_of_first_image": 1 if grid else 0,
        "infotexts": infotexts,
        "styles": asked["styles"] or [],
        "job_timestamp": look.timestamp,
        "clip_skip": look.options["CLIP_stop_at_last_layers"],
        "is_using_inpainting_conditioning": False,
        "version": work.manner.version,
    }


def _face_restoration(work: Processing, options: Options) -> str | None:
    return str(options["face_restoration_model"]) if work.asked["restore_faces"] else None
