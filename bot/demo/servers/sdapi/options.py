"""The server's settings, with the leak of a fresh ``config.json`` (traps 4 and 5).

A key that was never saved has only a default. An override writes it, and as there was
nothing saved to go back to, it stays.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from bot.demo.servers.sdapi.catalogue import VAES
from bot.demo.servers.sdapi.errors import Raised

RESTRICTED: Final = frozenset({"samples_filename_pattern", "outdir_samples", "api_enable_requests"})
DEFAULTS: Final[Mapping[str, Any]] = {
    "samples_save": True,
    "samples_format": "png",
    "samples_filename_pattern": "",
    "outdir_samples": "",
    "grid_save": True,
    "return_grid": True,
    "return_mask": False,
    "return_mask_composite": False,
    "jpeg_quality": 80,
    "webp_lossless": False,
    "enable_pnginfo": True,
    "save_txt": False,
    "img_max_size_mp": 200.0,
    "img2img_background_color": "#ffffff",
    "sd_model_checkpoint": None,
    "sd_checkpoint_hash": "",
    "sd_checkpoints_limit": 1,
    "sd_vae": "Automatic",
    "sd_unet": "Automatic",
    "CLIP_stop_at_last_layers": 1,
    "comma_padding_backtrack": 20,
    "upcast_attn": False,
    "randn_source": "GPU",
    "tiling": False,
    "face_restoration": False,
    "face_restoration_model": "CodeFormer",
    "code_former_weight": 0.5,
    "upscaler_for_img2img": None,
    "token_merging_ratio": 0.0,
    "eta_noise_seed_delta": 0,
    "initial_noise_multiplier": 1.0,
    "img2img_extra_noise": 0.0,
    "inpainting_mask_weight": 1.0,
    "show_progressbar": True,
    "live_previews_enable": True,
    "live_previews_image_format": "png",
    "show_progress_every_n_steps": 10,
    "show_progress_type": "Approx NN",
    "live_preview_refresh_period": 1000,
    "add_model_hash_to_info": True,
    "add_model_name_to_info": True,
    "add_version_to_infotext": True,
    "infotext_styles": "Apply if any",
    "api_enable_requests": True,
    "api_forbid_local_requests": True,
    "api_useragent": "",
    "interrogate_return_ranks": False,
    "interrogate_clip_num_beams": 1,
}


class Options:
    """``defaults`` under ``saved``, as GET /options shows them."""

    def __init__(self, saved: Mapping[str, Any], defaults: Mapping[str, Any] = DEFAULTS) -> None:
        self._saved: dict[str, Any] = dict(saved)
        self._defaults = defaults

    def shown(self) -> dict[str, Any]:
        """Every option, for GET /options."""
        return {**copy.deepcopy(dict(self._defaults)), **self._saved}

    def __getitem__(self, key: str) -> Any:
        return self._saved.get(key, self._defaults[key])

    def __setitem__(self, key: str, value: Any) -> None:
        self._saved[key] = value

    def set_by_api(self, key: str, value: Any) -> None:
        """Set without any check of the type; restricted keys are passed over in silence.

        Raises ``Raised`` (500 KeyError) for a key that the server does not know.
        """
        if key in self._saved and self._saved[key] == value:
            return
        if key not in self._defaults:
            raise Raised("KeyError", repr(key))
        if key not in RESTRICTED:
            self._saved[key] = value

    def remember(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """The values to put back after an override: only of keys that have been saved."""
        return {key: self._saved[key] for key in keys if key in self._saved}


def named_vae(options: Options) -> tuple[str, ...]:
    """The VAE that the option ``sd_vae`` names; an unknown one is passed over in silence."""
    name = options["sd_vae"]
    return (str(name),) if name in VAES else ()
