"""What a fresh web UI 1.10.1 lists: samplers, schedulers, upscalers, and a plausible shelf.

Names and order of the samplers and schedulers are A1111's own; models, LoRAs, styles and
embeddings are what a small Discord community might have installed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = "v1.10.1"
MODELS_FOLDER: Final = "/srv/webui/models"
MODELS: Final = (
    "dreamshaper_8",
    "animagineXL_v31",
    "sd_xl_base_1.0",
    "sdxl_turbo",
    "flux1-dev",
    "inkpunk, v2.0",  # the comma makes every infotext reader prove itself
)


@dataclass(frozen=True)
class Sampler:
    """One row of ``/samplers``; ``scheduler`` is the one that its "Automatic" means."""

    name: str
    aliases: tuple[str, ...]
    scheduler: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    def listed(self) -> dict[str, Any]:
        """As in the listing: option values are strings."""
        options = dict(self.options)
        if self.scheduler:
            options = {"scheduler": self.scheduler, **options}
        return {"name": self.name, "aliases": list(self.aliases), "options": options}


@dataclass(frozen=True)
class Scheduler:
    """One row of ``/schedulers``."""

    name: str
    label: str
    aliases: tuple[str, ...] | None = None
    default_rho: float = -1
    need_inner_model: bool = False

    def listed(self) -> dict[str, Any]:
        """As in the listing."""
        return {
            "name": self.name,
            "label": self.label,
            "aliases": list(self.aliases) if self.aliases else None,
            "default_rho": self.default_rho,
            "need_inner_model": self.need_inner_model,
        }


_SECOND = ("second_order", "True")
_BROWNIAN = ("brownian_noise", "True")
_DISCARD = ("discard_next_to_last_sigma", "True")
_ENSD = ("uses_ensd", "True")

SAMPLERS: Final = (
    Sampler("DPM++ 2M", ("k_dpmpp_2m",), "karras"),
    Sampler("DPM++ SDE", ("k_dpmpp_sde",), "karras", (_SECOND, _BROWNIAN)),
    Sampler("DPM++ 2M SDE", ("k_dpmpp_2m_sde",), "exponential", (_BROWNIAN,)),
    Sampler(
        "DPM++ 2M SDE Heun",
        ("k_dpmpp_2m_sde_heun",),
        "exponential",
        (_BROWNIAN, ("solver_type", "heun")),
    ),
    Sampler("DPM++ 2S a", ("k_dpmpp_2s_a",), "karras", (_ENSD, _SECOND)),
    Sampler("DPM++ 3M SDE", ("k_dpmpp_3m_sde",), "exponential", (_DISCARD, _BROWNIAN)),
    Sampler("Euler a", ("k_euler_a", "k_euler_ancestral"), None, (_ENSD,)),
    Sampler("Euler", ("k_euler",)),
    Sampler("LMS", ("k_lms",)),
    Sampler("Heun", ("k_heun",), None, (_SECOND,)),
    Sampler("DPM2", ("k_dpm_2",), "karras", (_DISCARD, _SECOND)),
    Sampler("DPM2 a", ("k_dpm_2_a",), "karras", (_DISCARD, _ENSD, _SECOND)),
    Sampler("DPM fast", ("k_dpm_fast",), None, (_ENSD,)),
    Sampler("DPM adaptive", ("k_dpm_ad",), None, (_ENSD,)),
    Sampler("Restart", ("restart",), "karras", (_SECOND,)),
    Sampler("DDIM", ("ddim",)),
    Sampler("DDIM CFG++", ("ddim_cfgpp",)),
    Sampler("PLMS", ("plms",)),
    Sampler("UniPC", ("unipc",)),
    Sampler("LCM", ("k_lcm",)),
)
SCHEDULERS: Final = (
    Scheduler("automatic", "Automatic"),
    Scheduler("uniform", "Uniform", need_inner_model=True),
    Scheduler("karras", "Karras", default_rho=7.0),
    Scheduler("exponential", "Exponential"),
    Scheduler("polyexponential", "Polyexponential", default_rho=1.0),
    Scheduler("sgm_uniform", "SGM Uniform", ("SGMUniform",), need_inner_model=True),
    Scheduler("kl_optimal", "KL Optimal"),
    Scheduler("align_your_steps", "Align Your Steps"),
    Scheduler("simple", "Simple", need_inner_model=True),
    Scheduler("normal", "Normal", need_inner_model=True),
    Scheduler("ddim", "DDIM", need_inner_model=True),
    Scheduler("beta", "Beta", need_inner_model=True),
)
NO_SCHEDULER: Final = Scheduler("", "")
"""Of servers that have none, or do not say."""
_SCHEDULERS = {name: row for row in SCHEDULERS for name in (row.name, row.label)}


def resolve_sampler(
    name: str | None, scheduler: str | None, samplers: tuple[Sampler, ...] = SAMPLERS
) -> tuple[Sampler, Scheduler]:
    """What the web UI makes of two names: the unknown becomes DPM++ 2M and Automatic.

    Names are case-sensitive and aliases are not looked up; "DPM++ 2M Karras" is split.
    A scheduler that the sampler uses anyway becomes Automatic again.
    """
    found = _SCHEDULERS.get(scheduler or "", SCHEDULERS[0])
    wanted = name or samplers[0].name
    for row in SCHEDULERS:
        for ending in (row.label, row.name, *(row.aliases or ())):
            if wanted.endswith(f" {ending}"):
                found, wanted = row, wanted[: -len(ending) - 1]
                break
    sampler = next((row for row in samplers if row.name == wanted), samplers[0])
    return sampler, SCHEDULERS[0] if sampler.scheduler == found.name else found


def scheduler_label(name: str | None) -> str | None:
    """The label of a scheduler's name, e.g. "Karras" of "karras"."""
    return _SCHEDULERS[name].label if name in _SCHEDULERS else None


_GITHUB = "https://github.com"
_ESRGAN = f"{_GITHUB}/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth"
_ANIME = f"{_GITHUB}/xinntao/Real-ESRGAN/releases/download/v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth"
_LDSR = "https://heibox.uni-heidelberg.de/f/578df07c8fc04ffbadf3/?dl=1"


def _upscaler(name: str, model: str | None = None, url: str | None = None) -> dict[str, Any]:
    return {"name": name, "model_name": model, "model_path": url, "model_url": None, "scale": 4.0}


UPSCALERS: Final = (
    _upscaler("None"),
    _upscaler("Lanczos"),
    _upscaler("Nearest"),
    _upscaler("LDSR", "LDSR", _LDSR),
    _upscaler("R-ESRGAN 4x+", "R-ESRGAN 4x+", _ESRGAN),
    _upscaler("R-ESRGAN 4x+ Anime6B", "R-ESRGAN 4x+ Anime6B", _ANIME),
    _upscaler("ScuNET GAN", "ScuNET GAN"),
    _upscaler("SwinIR_4x", "SwinIR 4x"),
)
UPSCALER_NAMES: Final = frozenset(str(row["name"]) for row in UPSCALERS)
LATENT_UPSCALE_MODES: Final = (
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
)
VAES: Final = ("vae-ft-mse-840000-ema-pruned.safetensors", "sdxl_vae.safetensors")
LORAS: Final = ("add_detail", "watercolor_wash", "pixel_art_xl")
HYPERNETWORKS: Final = ("soft_light",)
EMBEDDINGS: Final = ("easynegative", "bad-hands-5")
STYLES: Final = (
    {
        "name": "Oil painting",
        "prompt": "{prompt}, oil painting, visible brush strokes",
        "negative_prompt": "photo",
    },
    {"name": "Night", "prompt": "night, moonlight", "negative_prompt": ""},
    {"name": "No people", "prompt": "", "negative_prompt": "person, crowd"},
)
FACE_RESTORERS: Final = ("CodeFormer", "GFPGAN")
SCRIPTS: Final = ("prompt matrix", "prompts from file or textbox", "x/y/z plot")
ALWAYS_ON: Final = ("extra options", "hypertile", "refiner", "seed", "sampler")


def fake_hash(name: str) -> str:
    """64 hex digits that stay the same for a name: what a checksum of the file would be."""
    return hashlib.sha256(f"demo weights of {name}".encode()).hexdigest()


def loras() -> list[dict[str, Any]]:
    """Rows of ``/loras``."""
    folder = f"{MODELS_FOLDER}/Lora"
    return [
        {
            "name": name,
            "alias": name,
            "path": f"{folder}/{name}.safetensors",
            "metadata": {"ss_output_name": name, "ss_network_dim": "32"},
        }
        for name in LORAS
    ]


def embeddings() -> dict[str, Any]:
    """The object of ``/embeddings``."""
    row = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    shapes = {"shape": 768, "vectors": 8}
    return {"loaded": {name: {**row, **shapes} for name in EMBEDDINGS}, "skipped": {}}


def realesrgan_models() -> list[dict[str, Any]]:
    """Rows of ``/realesrgan-models``."""
    rows = (("R-ESRGAN 4x+", _ESRGAN), ("R-ESRGAN 4x+ Anime6B", _ANIME))
    return [{"name": name, "path": path, "scale": 4} for name, path in rows]


def scripts(*added: str) -> dict[str, list[str]]:
    """The object of ``/scripts``: lower-case titles, with those of extensions."""
    common = [*ALWAYS_ON, *added, *SCRIPTS]
    return {"txt2img": common, "img2img": [*common, "loopback", "sd upscale"]}


def memory() -> dict[str, Any]:
    """The object of ``/memory`` on a machine without a GPU."""
    total = 16 * 1024**3
    used = total // 4
    ram = {"free": total - used, "used": used, "total": total}
    return {"ram": ram, "cuda": {"error": "unavailable"}}
