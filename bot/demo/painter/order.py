"""What the demo painter is asked for: one frozen value that crosses to a worker process."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PaintOrder:
    """One picture to paint; equal orders give equal bytes.

    ``width`` and ``height`` are pixels (1 to 4096). ``variation`` is a second seed and
    its strength, 0 to 1: from 0.5 on it changes what stands where, below only how it is painted.
    ``source`` and ``mask`` are encoded images
    of any size that Pillow reads; white in the mask is repainted (black if ``mask_inverted``),
    its edge softened by ``mask_blur`` pixels. ``fit`` brings a source to the canvas: "stretch",
    "cover" (crop) or "contain" (fill the rest). ``strength`` is the denoising strength, 0 (keep
    the source) to 1 (ignore it). ``finished`` is the share of the work that
    was done, 0 to 1: below 1 the picture is as unfinished as an interrupted one.
    """

    prompt: str
    negative_prompt: str = ""
    width: int = 512
    height: int = 512
    seed: int = 0
    steps: int = 20
    cfg_scale: float = 7.0
    sampler: str = "Euler"
    model: str = ""
    variation: tuple[int, float] = (0, 0.0)
    source: bytes | None = None
    mask: bytes | None = None
    mask_inverted: bool = False
    mask_blur: int = 4
    strength: float = 0.75
    fit: str = "stretch"
    finished: float = 1.0

    def composition(self, purpose: str) -> random.Random:
        """Dice for what stands where: prompt, model and seed, not how it was sampled."""
        seed = self.seed if self.variation[1] < 0.5 else self.variation[0]
        return _dice(purpose, self.prompt, self.negative_prompt, self.model, seed)

    def touch(self, purpose: str) -> random.Random:
        """Dice for single strokes: whatever differs in the order changes them."""
        sampling = (self.steps, self.cfg_scale, self.sampler, self.variation)
        return _dice(purpose, self.prompt, self.negative_prompt, self.model, self.seed, sampling)

    def at_size(self, width: int, height: int) -> PaintOrder:
        """The same picture on another canvas."""
        return replace(self, width=max(width, 1), height=max(height, 1))


def _dice(*fields: object) -> random.Random:
    digest = hashlib.sha256(repr(fields).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
