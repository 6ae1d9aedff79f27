"""What a request must mind of the very server it goes to: how the many `/sdapi/v1` differ.

`values.ability` says what members may ask for; a Dialect says how it is written. Source:
contracts, sdapi 10 and the traps that are named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OVERRIDDEN: Final[Mapping[str, str]] = {
    "clip_skip": "CLIP_stop_at_last_layers",
    "vae": "sd_vae",
    "faces": "face_restoration_model",
    "ensd": "eta_noise_seed_delta",
    "rng": "randn_source",
    "token_merging": "token_merging_ratio",
}
"""Every option that a member can change for one picture. A fresh server never puts an override
back (trap 5), so all of them go with every request, with the server's own values by default."""

CHECKPOINT: Final = "sd_model_checkpoint"
"""The option that holds the loaded checkpoint's title."""

FORGE_MODULES: Final = "forge_additional_modules"
"""Forge has this in the place of `sd_vae`: VAE and text encoders by name."""

MINIMAL: Final = frozenset(
    (
        *("prompt", "negative_prompt", "seed", "steps", "width", "height", "cfg_scale"),
        *("sampler_name", "init_images", "denoising_strength", "mask"),
    )
)
"""All that a strict server is sent: it refuses what it does not know (trap 17)."""


@dataclass(frozen=True)
class ControlNet:
    """How one kind of control is asked for: the preprocessor, and the models that serve it."""

    module: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Dialect:
    """One server's way of taking requests.

    `minimal`: a strict server. `wide`: one of the A1111 family, which takes all of its fields.
    `own`: the option keys that go with every request, with the server's own values.
    `forge`: hires needs `hr_additional_modules` there (trap 14). `lora_paths`: where LoRAs are
    a field of their own and tags in the prompt are ignored (stable-diffusion.cpp), their paths
    by name. `batch` is the key that says how many pictures one call shall bring; None where it
    is always one. `unwanted`: keys that this server has refused.
    """

    minimal: bool = False
    wide: bool = True
    own: Mapping[str, Any] = field(default_factory=dict)
    forge: bool = False
    lora_paths: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, ControlNet] = field(default_factory=dict)
    batch: str | None = "n_iter"
    unwanted: frozenset[str] = frozenset()


def own_options(
    options: Any,
    before: Mapping[str, Any],
    sent: Mapping[str, Any],
    operators: Iterable[str] = (),
) -> dict[str, Any]:
    """The server's own values of all that is ever overridden, by members or by the operator.

    What reads as it was `sent` may have leaked (trap 5): then what was known `before` holds. What
    the operator has overridden once stays among them, since it may have leaked then.
    """
    if not isinstance(options, dict):
        return dict(before)
    ever = dict.fromkeys((*OVERRIDDEN.values(), FORGE_MODULES, *operators, *before))
    keys = [key for key in ever if key in options]
    return {
        key: before[key] if key in before and options[key] == sent.get(key) else options[key]
        for key in keys
        if options[key] is not None
    }
