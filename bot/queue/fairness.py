"""What is shared and how: GPU work, in two levels, by virtual time. Pure arithmetic.

A lane (a guild, or a member within it) has a virtual time that grows by the work it was given,
divided by its weight. Whose virtual time is least is next. A lane that was idle begins where the
next of its rivals stands: who did not draw for a week has nothing saved up, and waits for nobody
who was served out of turn.
"""

from __future__ import annotations

from collections.abc import Hashable

from bot.values.request import ImageRequest

TRIFLE = 1.0
"""The work of what paints nothing (describe, load) or only enlarges, in the unit of `cost_of`."""

_ROOM = 1_000
"""Lanes that are remembered before the idle ones are let go."""


def cost_of(request: ImageRequest) -> float:
    """GPU work in steps × megapixels of all pictures.

    A second pass counts with its own steps and size, img2img with the share that its denoising
    strength really paints.
    """
    if request.kind not in ("txt2img", "img2img"):
        return TRIFLE
    megapixels = request.width * request.height / 1e6
    steps = float(request.steps)
    if request.kind == "img2img":
        steps *= 0.75 if request.denoising_strength is None else request.denoising_strength
    work = steps * megapixels
    if request.hires is not None:
        second = (request.hires.steps or request.steps) * request.hires.strength
        work += second * megapixels * request.hires.scale**2
    return max(work, 0.01) * request.count


class Clock:
    """The virtual times of all lanes of one level."""

    def __init__(self) -> None:
        # The latest time at which anybody was served: the present of a lane without rivals.
        self._latest = 0.0
        self._times: dict[Hashable, float] = {}
        self._busy: set[Hashable] = set()
        self._room = _ROOM

    def at(self, lane: Hashable) -> float:
        """A lane's virtual time."""
        return self._times.get(lane, self._latest)

    def begin(self, lane: Hashable, present: float | None) -> None:
        """A lane that was idle has something to do again.

        `present` is the time of whoever is next among its rivals; None: it has none. Who is being
        served just now was next a moment ago, and a newcomer stands beside them.
        """
        now = self._latest if present is None else min(present, self._latest)
        self._times[lane] = max(self._times.get(lane, now), now)
        self._busy.add(lane)
        if len(self._times) > self._room:
            # Idle lanes that owe nothing begin at the present anyway.
            self._times = {k: t for k, t in self._times.items() if t > now or k in self._busy}
            self._room = 2 * len(self._times) + _ROOM

    def rest(self, lane: Hashable) -> None:
        """A lane has nothing to do; what it owes is remembered."""
        self._busy.discard(lane)

    def charge(self, lane: Hashable, work: float) -> None:
        """A lane was given work (already divided by its weight)."""
        before = self.at(lane)
        self._latest = max(self._latest, before)
        self._times[lane] = before + work

    def refund(self, lane: Hashable, work: float) -> None:
        """Work that was not done after all."""
        self._times[lane] = self.at(lane) - work
