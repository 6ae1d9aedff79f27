"""What other programs call a sampler or a schedule, in the web UI's names.

ComfyUI's names are those of contract comfyui, section 8; the rest differ from them by a prefix
(`k_` in NovelAI), a suffix (`_k` for Karras in InvokeAI, `_gpu` in ComfyUI) or punctuation.
"""

from __future__ import annotations

import re

_SAMPLERS = {
    "euler": "Euler",
    "eulera": "Euler a",
    "eulerancestral": "Euler a",
    "heun": "Heun",
    "lms": "LMS",
    "dpm2": "DPM2",
    "kdpm2": "DPM2",
    "dpm2a": "DPM2 a",
    "kdpm2a": "DPM2 a",
    "dpm2ancestral": "DPM2 a",
    "dpmfast": "DPM fast",
    "dpmadaptive": "DPM adaptive",
    "dpmpp2m": "DPM++ 2M",
    "dpmpp2msde": "DPM++ 2M SDE",
    "dpmpp2msdeheun": "DPM++ 2M SDE Heun",
    "dpmpp3msde": "DPM++ 3M SDE",
    "dpmppsde": "DPM++ SDE",
    "dpmpp2s": "DPM++ 2S a",
    "dpmpp2sa": "DPM++ 2S a",
    "dpmpp2sancestral": "DPM++ 2S a",
    "restart": "Restart",
    "ddim": "DDIM",
    "ddimv3": "DDIM",
    "ddimcfgpp": "DDIM CFG++",
    "plms": "PLMS",
    "pndm": "PLMS",
    "unipc": "UniPC",
    "unipcbh2": "UniPC",
    "lcm": "LCM",
}
_SCHEDULES = {
    "automatic": "Automatic",
    "uniform": "Uniform",
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgmuniform": "SGM Uniform",
    "simple": "Simple",
    "ddim": "DDIM",
    "ddimuniform": "DDIM",
    "beta": "Beta",
    "kloptimal": "KL Optimal",
    "alignyoursteps": "Align Your Steps",
}
# "native" is NovelAI's word for: whatever the sampler itself does.
_NO_SCHEDULE = frozenset({"", "native", "none", "default"})
# Web UI before 1.9 kept both in one name: "DPM++ 2M Karras".
_OLD_NAME = re.compile(r"(.+\S) (Karras|Exponential|Polyexponential|SGM Uniform)", re.IGNORECASE)


def sampler_of(name: str) -> tuple[str, str]:
    """The web UI's sampler and the schedule that the name itself holds ("" for none).

    "k_euler_ancestral" is Euler a, "dpmpp_2m_k" DPM++ 2M with Karras. A name that is not known
    stays as it is.
    """
    old = _OLD_NAME.fullmatch(name)
    if old:
        return _sampler(old[1]) or old[1], scheduler_of(old[2])
    plain = _sampler(name)
    if plain is None and name.endswith("_k"):
        karras = _sampler(name.removesuffix("_k"))
        if karras:
            return karras, "Karras"
    return plain or name, ""


def scheduler_of(name: str) -> str:
    """The web UI's label of a schedule; an unknown one stays as it is, "native" is none."""
    plain = _plain(name)
    return "" if plain in _NO_SCHEDULE else _SCHEDULES.get(plain, name)


def _sampler(name: str) -> str | None:
    bare = name.lower().removeprefix("sample_").removesuffix("_gpu").removesuffix("_cpu")
    return _SAMPLERS.get(_plain(bare)) or _SAMPLERS.get(_plain(bare.removeprefix("k_")))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower().replace("++", "pp"))
