"""The one card of the demo server: jobs in order of arrival, one at a time.

A job runs to its end whatever its client does (trap 9). Sampling is a walk of short sleeps
beside the painting, so that progress, previews and interrupts can be watched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from bot.demo.painter import PainterPool, PaintOrder
from bot.demo.servers.sdapi import checks, scripts
from bot.demo.servers.sdapi.checkpoints import Shelf
from bot.demo.servers.sdapi.effects import Effects, glimpse
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.options import Options
from bot.demo.servers.sdapi.pictures import (
    Encoding,
    Source,
    check_format,
    decode,
    grid,
    map_picture,
    mask_picture,
    produce,
)
from bot.demo.servers.sdapi.processing import Kind, Processing, job_of
from bot.demo.servers.sdapi.report import Look
from bot.demo.servers.sdapi.state import State, Tasks, new_task_id

if TYPE_CHECKING:
    from bot.demo.servers.sdapi.manners.manner import Manner

_BASE_PIXELS = 512 * 512
_FROM_OPTIONS = {"restore_faces": "face_restoration", "tiling": "tiling"}
"""Fields whose null means the server's own setting."""


@dataclass(frozen=True)
class Pace:
    """Seconds of one sampling step at 512x512, and of loading a model."""

    step_seconds: float
    load_seconds: float

    def step(self, work: Processing) -> float:
        """Seconds per step; a larger canvas and a larger batch are a little slower."""
        width, height = work.size
        area: float = (width * height / _BASE_PIXELS) ** 0.4
        batch: int = work.asked["batch_size"]
        return self.step_seconds * area * (1 + 0.35 * (batch - 1))


@dataclass(frozen=True)
class Processed:
    """The files in the order of ``images``, and the object of ``info``."""

    files: list[bytes]
    info: dict[str, Any]


class Engine:
    """Everything that happens under the queue lock."""

    def __init__(
        self, shelf: Shelf, options: Options, pool: PainterPool, pace: Pace, manner: Manner
    ) -> None:
        self.manner = manner
        self.shelf = shelf
        self.options = options
        self.pool = pool
        self.state = State()
        self.tasks = Tasks()
        self.waiting = 0
        self._lock = asyncio.Lock()
        self.generated: list[dict[str, Any]] = []
        self._pace = pace
        self._order: PaintOrder | None = None
        self._effects = Effects()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait in line, then have the card alone. Raises ``Refused`` (503) if the line is full."""
        if self.manner.room is not None and self.waiting >= self.manner.room:
            raise Refused(503, "Server is busy; please try again later.")
        self.waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._lock.release()

    async def generate(self, kind: Kind, asked: dict[str, Any], mask: Source | None) -> Processed:
        """Wait for the turn, then make the pictures of one validated request.

        Raises ``Refused`` or ``Raised``; a task that raises stays "active" (trap 10).
        """
        task_id = asked["force_task_id"] or new_task_id(kind)
        self.tasks.queue(task_id)
        async with self.turn():
            texts = asked.get("init_images") or []
            sources = await asyncio.to_thread(_decode_all, texts, self.manner.forgiving)
            self.state.begin(f"scripts_{kind}")
            try:
                self.tasks.start(task_id)
                processed = await self._overridden(task_id, kind, asked, sources, mask)
                self.tasks.finish(task_id)
            finally:
                self._order = None
                self.state.end()
        return processed

    async def reload(self) -> None:
        """Load the model that the option names, if it is not the loaded one."""
        wanted = self.shelf.find(self.options["sd_model_checkpoint"])
        if wanted is None or wanted is self.shelf.loaded:
            return
        await asyncio.sleep(self._pace.load_seconds)
        wanted.hashed = True
        self.shelf.loaded = wanted
        self.options["sd_model_checkpoint"] = wanted.title

    async def look_at_preview(self) -> Image.Image | None:
        """The live preview; renewed when enough steps were made since the last look."""
        state, order, every = self.state, self._order, self.options["show_progress_every_n_steps"]
        due = state.sampling_step - state.current_image_step >= every > 0
        if order is not None and due and self.options["live_previews_enable"]:
            step = state.current_image_step = state.sampling_step
            share = step / max(state.sampling_steps, 1)
            image = await asyncio.to_thread(glimpse, order, self._effects, share)
            if self._order is order:
                state.current_image = image
                state.id_live_preview += 1
        return state.current_image

    async def _overridden(
        self,
        task_id: str,
        kind: Kind,
        asked: dict[str, Any],
        sources: list[Source],
        mask: Source | None,
    ) -> Processed:
        overrides = dict(asked["override_settings"] or {})
        before = self.options.remember(overrides)
        try:
            await self._apply(overrides)
            self.manner.check(asked, kind, sources)
            for key, option in _FROM_OPTIONS.items():
                if asked[key] is None:
                    asked[key] = self.options[option]
            job = job_of(asked, sources, self.shelf.loaded.name)
            staged = await asyncio.to_thread(scripts.stage, asked, self.manner.scripts, job)
            mask = mask if sources else None
            work = Processing(kind, asked, self.manner, sources, mask, staged)
            checks.check_work(work, self.shelf)
            self._name_models(work)
            self._record(task_id, work)
            return await self._iterate(work)
        finally:
            # The option goes back, the weights stay until the next job asks for others.
            if asked["override_settings_restore_afterwards"]:
                for key, value in before.items():
                    self.options[key] = value

    async def _apply(self, overrides: dict[str, Any]) -> None:
        if self.shelf.find(overrides.get("sd_model_checkpoint")) is None:
            overrides.pop("sd_model_checkpoint", None)
            await self.reload()
        for key, value in overrides.items():
            self.options.set_by_api(key, value)
            if key == "sd_model_checkpoint":
                await self.reload()

    async def _iterate(self, work: Processing) -> Processed:
        state, count = self.state, work.asked["n_iter"]
        look = Look(self.shelf.loaded, self.options, state.job_timestamp)
        encoding = self._encoding()
        state.job_count = count * len(work.passes)
        files: list[bytes] = []
        for iteration in range(count):
            state.skipped = False
            if state.interrupted:
                break
            if count > 1:
                state.job = f"Batch {iteration + 1} out of {count}"
            size = work.asked["batch_size"]
            indices = range(iteration * size, (iteration + 1) * size)
            files += await self._paint(work, indices, look, encoding)
        check_format(encoding)
        return await self._finished(work, files, look, encoding)

    async def _paint(
        self, work: Processing, indices: Sequence[int], look: Look, encoding: Encoding
    ) -> list[bytes]:
        """One iteration: paint aside while the steps go by."""
        orders = [work.order(index, look.checkpoint.name) for index in indices]
        texts = [self.manner.texts(work, index, look) for index in indices]
        self._order, self._effects = orders[0], self._effects_of(work)
        painting = asyncio.gather(*self._start(orders, texts, encoding))
        try:
            share = await self._sample(work)
            if share >= 1:
                return await painting
        finally:
            painting.cancel()
            await asyncio.gather(painting, return_exceptions=True)
        unfinished = [replace(order, finished=share) for order in orders]
        return await asyncio.gather(*self._start(unfinished, texts, encoding))

    def _start(
        self, orders: list[PaintOrder], texts: list[dict[str, str]], encoding: Encoding
    ) -> list[asyncio.Task[bytes]]:
        return [
            asyncio.create_task(self.pool.run(produce, order, self._effects, encoding, text))
            for order, text in zip(orders, texts, strict=True)
        ]

    def _name_models(self, work: Processing) -> None:
        """Refiner and hires checkpoint as the infotext names them; both are loaded on the way."""
        for key, name in (("Refiner", work.refiner), ("Hires checkpoint", work.hires_model)):
            found = self.shelf.find(name)
            if found is not None and found is not self.shelf.loaded:
                found.hashed = True
                work.extra[key] = found.short_title
        if "Refiner" in work.extra:
            work.extra["Refiner switch at"] = work.asked["refiner_switch_at"]

    def _effects_of(self, work: Processing) -> Effects:
        vaes = self.manner.vaes(self.options)
        return work.effects(vaes, str(self.options["face_restoration_model"]))

    async def _sample(self, work: Processing) -> float:
        """Walk the steps; the share that was done when interrupted or skipped, else 1."""
        state, pause, total = self.state, self._pace.step(work), sum(work.passes)
        done = 0
        for steps in work.passes:
            state.sampling_steps, state.sampling_step = steps, 0
            for step in range(1, steps + 1):
                await asyncio.sleep(pause)
                if state.interrupted or state.skipped:
                    state.next_job()
                    return done / total
                state.sampling_step = step
                done += 1
            state.next_job()
        return 1.0

    async def _finished(
        self, work: Processing, files: list[bytes], look: Look, encoding: Encoding
    ) -> Processed:
        infotext = self.manner.infotext
        texts = [infotext(work, index, look) for index in range(len(files))]
        with_grid = bool(
            work.asked["save_images"] and self.options["return_grid"] and len(files) > 1
        )
        if work.mask is not None and self.options["return_mask"]:
            mask = await self.pool.run(mask_picture, work.mask.data, work.size)
            files = [file for picture in files for file in (picture, mask)]
        if with_grid:
            pictures, text = files, infotext(work, 0, look)
            files = [await self.pool.run(grid, pictures, encoding, text), *files]
            texts = [text, *texts]
        for guide in work.staged.maps:
            for size in work.map_sizes:
                files.append(await self.pool.run(map_picture, guide, size, encoding))
        return Processed(files, self.manner.info(work, texts, with_grid, look))

    def _encoding(self) -> Encoding:
        options = self.options
        quality = options["jpeg_quality"]
        return Encoding(
            format=str(options["samples_format"]),
            jpeg_quality=quality if isinstance(quality, int) else 80,
            webp_lossless=bool(options["webp_lossless"]),
            pnginfo=bool(options["enable_pnginfo"]),
        )

    def _record(self, task_id: str, work: Processing) -> None:
        self.generated.append(
            {
                "task_id": task_id,
                "kind": work.kind,
                "seed": work.seeds[0],
                "model": self.shelf.loaded.name,
                "prompt": work.prompt,
                "size": work.size,
                "pictures": len(work.seeds),
                "time": time.time(),
            }
        )


def _decode_all(texts: list[object], forgiving: bool) -> list[Source]:
    found: list[Source] = []
    for text in texts:
        try:
            found.append(decode(text))
        except Refused:
            if not forgiving:
                raise
    return found
