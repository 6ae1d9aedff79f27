"""One request as the web UI sees it: names resolved, sizes floored, orders for the painter."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from bot.demo.painter import PaintOrder
from bot.demo.servers.sdapi import catalogue, networks
from bot.demo.servers.sdapi.effects import Effects
from bot.demo.servers.sdapi.pictures import Source
from bot.demo.servers.sdapi.scripts.staged import Job, Staged

if TYPE_CHECKING:
    from bot.demo.servers.sdapi.manners.manner import Manner

Kind = Literal["txt2img", "img2img"]
_SIDE: Final = 512
FITS: Final = ("stretch", "cover", "contain", "stretch")
_FILLS: Final = {0: "fill", 2: "latent noise", 3: "latent nothing"}
_STYLES: Final = {row["name"]: row for row in catalogue.STYLES}


@dataclass
class Processing:
    """``asked`` holds the validated fields of the request; the rest is worked out from them.

    ``staged`` is what the always-on scripts made of it, ``extra`` is
    ``extra_generation_params``. Build it after ``checks.check_request``: a null where a number
    is needed does not get here.
    """

    kind: Kind
    asked: dict[str, Any]
    manner: Manner
    sources: list[Source] = field(default_factory=list)
    mask: Source | None = None
    staged: Staged = field(default_factory=Staged)
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = self.asked
        self._fix_size()
        self.sampler, self.scheduler = self.manner.sampler(
            asked["sampler_name"] or asked["sampler_index"], asked["scheduler"]
        )
        self.prompt = _styled(asked, "prompt")
        self.negative = _styled(asked, "negative_prompt")
        self.networks = self.manner.networks(asked, self.prompt)
        self._fix_seeds()
        self._describe()

    @property
    def hires(self) -> bool:
        return self.kind == "txt2img" and bool(self.asked["enable_hr"])

    @property
    def passes(self) -> list[int]:
        """Sampling steps of each pass of one iteration."""
        steps: int = self.asked["steps"]
        if self.kind == "img2img":
            return [max(int(min(self.asked["denoising_strength"], 0.999) * steps), 0) + 1]
        if self.hires:
            return [steps, self.asked["hr_second_pass_steps"] or steps]
        return [steps]

    @property
    def size(self) -> tuple[int, int]:
        """The size of the pictures that come out, in pixels, as the server rounds it.

        An "only masked" repaint is pasted back into the init image and so has its size.
        """
        width, height = self.asked["width"], self.asked["height"]
        if self.mask is not None and self.asked["inpaint_full_res"]:
            return self.sources[0].width, self.sources[0].height
        if self.hires:
            width, height = self._hires_size(width, height)
        return self.manner.canvas.fit(width, height)

    def order(self, index: int, model: str) -> PaintOrder:
        """The painter's order for picture number ``index`` of all."""
        asked = self.asked
        width, height = self.size
        source = self.sources[index % len(self.sources)] if self.sources else None
        return PaintOrder(
            prompt=networks.without_tags(self.prompt),
            negative_prompt=self.negative,
            width=width,
            height=height,
            seed=self.seeds[index],
            steps=asked["steps"],
            cfg_scale=asked["cfg_scale"],
            sampler=" ".join((self.sampler.name, self.scheduler.label, self.refiner)).strip(),
            model=model,
            variation=self._variation(index),
            source=source.data if source else None,
            mask=self.mask.data if self.mask else None,
            mask_inverted=bool(asked.get("inpainting_mask_invert")),
            mask_blur=asked.get("mask_blur") or asked.get("mask_blur_x") or 0,
            strength=asked["denoising_strength"] if source else 1.0,
            fit=fit_of(asked) if source else "stretch",
        )

    def effects(self, vaes: tuple[str, ...], restorer: str) -> Effects:
        """What is laid over the painted pictures; ``restorer`` restores faces if it is asked."""
        faces = (restorer,) if self.asked["restore_faces"] else ()
        return Effects(
            networks=self.networks,
            vae=" ".join(vaes),
            tiling=bool(self.asked["tiling"]),
            faces=faces + self.staged.faces,
            guides=self.staged.guides,
        )

    @property
    def map_sizes(self) -> list[tuple[int, int]]:
        """The sizes in which ControlNet shows a detected map: of each pass, in its order."""
        first = self.manner.canvas.fit(self.asked["width"], self.asked["height"])
        if not self.hires:
            return [first]
        return [self.size, first] if self.staged.large_first else [first, self.size]

    @property
    def refiner(self) -> str:
        """The model that takes over, "" for none; it never does from its full share on."""
        name, switch = self.asked["refiner_checkpoint"], self.asked["refiner_switch_at"]
        return name if name and name != "None" and (switch is None or switch < 1) else ""

    @property
    def hires_model(self) -> str:
        """The model of the second pass, "" for the same."""
        return (self.asked["hr_checkpoint_name"] or "") if self.hires else ""

    def _variation(self, index: int) -> tuple[int, float]:
        strength = self.asked["subseed_strength"] or 0.0
        return (self.subseeds[index], strength) if strength else (0, 0.0)

    def _hires_size(self, width: int, height: int) -> tuple[int, int]:
        x, y = self.asked["hr_resize_x"] or 0, self.asked["hr_resize_y"] or 0
        if not x and not y:
            scale = self.asked["hr_scale"] or 2.0
            return int(width * scale), int(height * scale)
        return x or width * y // height, y or height * x // width

    def _fix_size(self) -> None:
        """A side that nobody named is the first source's, if there is one."""
        source = self.sources[0] if self.sources else None
        for side in ("width", "height"):
            if self.asked[side] is None:
                self.asked[side] = getattr(source, side, _SIDE)

    def _fix_seeds(self) -> None:
        asked = self.asked
        count = max(asked["batch_size"] * asked["n_iter"], 1)
        seed = secrets.randbelow(2**32) if asked["seed"] in (-1, None) else asked["seed"]
        subseed = secrets.randbelow(2**32) if asked["subseed"] in (-1, None) else asked["subseed"]
        step = 0 if asked["subseed_strength"] else 1
        self.seeds = [seed + index * step for index in range(count)]
        self.subseeds = [subseed + index for index in range(count)]

    def _describe(self) -> None:
        label = catalogue.scheduler_label(self.sampler.scheduler)
        used = label if self.scheduler.name == "automatic" else self.scheduler.label
        if used:
            self.extra["Schedule type"] = used
        self.extra |= self.staged.extra
        if self.hires:
            self._describe_hires()
        if self.mask is not None:
            self._describe_mask()
        if self.networks and self.manner.lora_hashes:
            self.extra["Lora hashes"] = networks.hashes(self.networks)

    def _describe_hires(self) -> None:
        asked = self.asked
        own = {
            "Hires sampler": asked["hr_sampler_name"],
            "Hires schedule type": asked["hr_scheduler"],
            "Hires prompt": asked["hr_prompt"],
            "Hires negative prompt": asked["hr_negative_prompt"],
        }
        same = {asked["prompt"], asked["negative_prompt"], asked["sampler_name"], ""}
        same |= {asked["scheduler"], "Use same sampler", None}
        self.extra |= {key: value for key, value in own.items() if value not in same}
        if asked["hr_resize_x"] or asked["hr_resize_y"]:
            self.extra["Hires resize"] = f"{asked['hr_resize_x']}x{asked['hr_resize_y']}"
        else:
            self.extra["Hires upscale"] = asked["hr_scale"]
        if asked["hr_second_pass_steps"]:
            self.extra["Hires steps"] = asked["hr_second_pass_steps"]
        if asked["hr_upscaler"] is not None:
            self.extra["Hires upscaler"] = asked["hr_upscaler"]

    def _describe_mask(self) -> None:
        asked = self.asked
        if asked["inpainting_mask_invert"]:
            self.extra["Mask mode"] = "Inpaint not masked"
        blur = asked["mask_blur"] if asked["mask_blur"] is not None else asked["mask_blur_x"]
        if blur:
            self.extra["Mask blur"] = blur
        if asked["inpaint_full_res"]:
            self.extra["Inpaint area"] = "Only masked"
            self.extra["Masked area padding"] = asked["inpaint_full_res_padding"]
        if asked["inpainting_fill"] in _FILLS:
            self.extra["Masked content"] = _FILLS[asked["inpainting_fill"]]


def fit_of(asked: dict[str, Any]) -> str:
    """How the request's ``resize_mode`` brings a source to the canvas."""
    return FITS[(asked["resize_mode"] or 0) % len(FITS)]


def job_of(asked: dict[str, Any], sources: list[Source], checkpoint: str) -> Job:
    """What an always-on script is told."""
    source = sources[0].data if sources else None
    return Job(source, fit_of(asked) if source else "cover", checkpoint)


def _styled(asked: dict[str, Any], key: str) -> str:
    """The prompt with its styles: put into their ``{prompt}``, or appended."""
    text = asked[key] or ""
    for name in asked["styles"] or []:
        addition = _STYLES[name][key] if name in _STYLES else ""
        if "{prompt}" in addition:
            text = addition.replace("{prompt}", text)
        elif addition:
            text = ", ".join(part for part in (text.strip(), addition) if part)
    return text
