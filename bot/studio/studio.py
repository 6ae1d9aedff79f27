"""The desk: the one thing a cog asks. It checks from memory, then hands the order to the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.errors import Gone, NotAllowed, Refusal
from bot.guilds import Effective, Guilds
from bot.images.sources import fit_mask
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, NewJob, Place, Status
from bot.queue.queue import Caps, Queue
from bot.settings import Limits
from bot.studio.compose import (
    DrawOptions,
    check_ceilings,
    compose,
    new_seed,
)
from bot.studio.defaults import adapted, given, regained, with_defaults
from bot.studio.families import Families
from bot.studio.over import (
    RESIZE_MODES,
    OverOptions,
    UpscaleOptions,
    describing,
    prepared,
    size_for,
    title_of,
    upscaling,
)
from bot.studio.painters import Painters
from bot.studio.rules import Rules
from bot.studio.search import resolve
from bot.studio.shelf import Shelf
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Role, Source


class Studio:
    """Takes orders. `painters` are all configured backends by name, in the operator's order."""

    def __init__(
        self,
        queue: Queue,
        painters: Mapping[str, Health],
        families: Families,
        limits: Limits,
        *,
        guilds: Guilds,
        allowed_guilds: Sequence[int] = (),
        owners: Sequence[int] = (),
    ) -> None:
        self._queue = queue
        self.painters = Painters(painters)
        self._families = families
        self._limits = limits
        self._allowed = frozenset(allowed_guilds)
        self._owners = frozenset(owners)
        self.shelf = Shelf(painters, families, guilds)
        self.rules = Rules(guilds, limits, owners, self.painters.spell)

    # Orders.

    def compose(self, options: DrawOptions, guest: Guest) -> tuple[ImageRequest, str]:
        """The complete request and its route. Raises Refusal, without any I/O."""
        self._welcome(guest)
        chosen = self.in_force(guest)
        model = self.painters.choose(options.model, chosen.text("model"))
        route = self.painters.route(model)
        ability = self.painters.ability(route)
        painted = model or ability.current_model
        limits = chosen.limits(self._limits)
        request = compose(
            with_defaults(options, chosen),
            painted,
            adapted(self._families.of(painted), chosen),
            ability,
            limits,
        )
        self._queue.check(guest.user_id, guest.guild_id, _caps(limits))
        if not self.painters.known(route):
            request = request.model_copy(update={"blind": given(options)})
        return request, route

    async def clear_up(self, route: str) -> None:
        """The painter has told its lists: orders that were taken blindly are composed anew."""
        for job in self.in_line():
            if job.route != route or job.request.blind is None:
                continue
            try:
                await self._queue.amend(job, self._seen(job))
            except Refusal as refusal:
                await self._queue.refuse(job, refusal.sentence)

    def _seen(self, job: Job) -> ImageRequest:
        """A blind request with its names spelt and its family's defaults. Raises Refusal."""
        old, guest = job.request, replace(job.guest, channel_id=job.address.channel_id)
        chosen = self.in_force(guest)
        options = regained(old, self._families.of(old.model))
        model = self.painters.choose(options.model, chosen.text("model"))
        ability = self.painters.ability(job.route)
        painted = model or ability.current_model
        family = adapted(self._families.of(painted), chosen)
        limits = chosen.limits(self._limits)
        new = compose(with_defaults(options, chosen), painted, family, ability, limits)
        kept = {"kind", "denoising_strength", "resize_mode", "inpainting", "upscaler", "upscale_by"}
        return new.model_copy(update={name: getattr(old, name) for name in kept})

    def in_force(self, guest: Guest) -> Effective:
        """The defaults and caps for this guest in their channel, from memory."""
        return self.rules.in_force(guest)

    def private(self, guest: Guest, asked: bool | None) -> bool:
        """Whether the answer is for the guest alone: as asked, else as chosen here."""
        return bool(self.in_force(guest)["private"]) if asked is None else asked

    async def draw(
        self, request: ImageRequest, route: str, guest: Guest, address: Address
    ) -> Job | None:
        """The row of a composed request; None when Discord replayed the interaction.

        Raises QueueFull, DatabaseUnavailable.
        """
        caps = _caps(self.in_force(guest).limits(self._limits))
        return await self._queue.submit(NewJob(request, guest, address, route), caps)

    async def img2img(
        self, options: DrawOptions, over: OverOptions, guest: Guest, address: Address
    ) -> Job | None:
        """Paints over a guest's picture. Raises Refusal, DatabaseUnavailable."""
        image = await asyncio.to_thread(prepared, "image", over.image, Role.INIT)
        given = [image]
        if over.mask is not None:
            mask = await asyncio.to_thread(prepared, "mask", over.mask, Role.MASK)
            given.append(await asyncio.to_thread(fit_mask, mask, image.width, image.height))
        default = self.in_force(guest).text("model")
        model = self.painters.choose(options.model, default)
        ability = self.painters.ability(self.painters.route(model))
        family = self._families.of(model or ability.current_model)
        limits = self.in_force(guest).limits(self._limits)
        if options.size is None and options.width is None and options.height is None:
            width, height = size_for(image, family, limits, ability.step_pixels)
            options = replace(options, width=width, height=height)
        request, route = self.compose(options, guest)
        request = request.model_copy(
            update={
                "kind": "img2img",
                "denoising_strength": 0.6 if over.strength is None else over.strength,
                "resize_mode": RESIZE_MODES[over.resize],
                "inpainting": over.inpainting(),
            }
        )
        new = NewJob(request, guest, address, route, sources=tuple(given))
        return await self._queue.submit(new, _caps(limits))

    async def upscale(self, options: UpscaleOptions, guest: Guest, to: Address) -> Job | None:
        """A larger version of a guest's picture. Raises Refusal, DatabaseUnavailable."""
        route = self.painters.route_that("upscale", "upscale pictures")
        ability = self.painters.ability(route)
        names = {n: n for n in ability.upscalers}
        typed = options.upscaler or _best_upscaler(ability.upscalers)
        exact = resolve("upscaler", "upscaler", typed, names) if names else typed
        source = await asyncio.to_thread(prepared, "image", options.image, Role.INIT)
        limits = self.in_force(guest).limits(self._limits)
        title = title_of(options.image, options.filename)
        request = upscaling(source, options.by, exact, limits, title)
        return await self._with_source(request, route, guest, to, source)

    async def describe(self, image: bytes, name: str, guest: Guest, to: Address) -> Job | None:
        """Words for a guest's picture. Raises Refusal, DatabaseUnavailable."""
        route = self.painters.route_that("describe", "describe pictures")
        source = await asyncio.to_thread(prepared, "image", image, Role.INIT)
        request = describing(source, title_of(image, name))
        return await self._with_source(request, route, guest, to, source)

    async def _with_source(
        self, request: ImageRequest, route: str, guest: Guest, to: Address, source: Source
    ) -> Job | None:
        self._welcome(guest)
        caps = _caps(self.in_force(guest).limits(self._limits))
        new = NewJob(request, guest, to, route, sources=(source,))
        return await self._queue.submit(new, caps)

    async def again(
        self, job_id: int, guest: Guest, address: Address, *, same_seed: bool
    ) -> Job | None:
        """The same order once more, for whoever pressed; with a new seed unless it failed.

        Raises Gone, NotAllowed, QueueFull, DatabaseUnavailable.
        """
        self._welcome(guest)
        old = await self._known(job_id)
        if old.address.private and old.guest.user_id != guest.user_id:
            raise NotAllowed("That picture was drawn in private.")
        seed = old.request.seed if same_seed else new_seed()
        request = old.request.model_copy(update={"seed": seed})
        limits = self.in_force(guest).limits(self._limits)
        check_ceilings(request, limits)
        route = old.route if old.route in self.painters else self.painters.route(old.request.model)
        self.painters.usable(route)
        given = await self._queue.sources(old)
        if request.kind != "txt2img" and not given:
            raise Gone("I no longer have the picture it was made from.")
        new = NewJob(request, guest, address, route, parent_id=old.id, sources=given)
        return await self._queue.submit(new, _caps(limits))

    async def cancel(self, job_id: int, guest: Guest) -> Job:
        """Ends a waiting or running job. Raises Gone, NotAllowed, DatabaseUnavailable."""
        await self.owned(job_id, guest)
        job = await self._queue.cancel(job_id)
        if job is None:
            raise Gone("That picture is finished already.")
        return job

    async def owned(self, job_id: int, guest: Guest) -> Job:
        """The job, if the guest may change it: their own, with Manage Messages, or an operator.

        Raises Gone, NotAllowed.
        """
        job = await self._known(job_id)
        mine = guest.user_id in (job.guest.user_id, *self._owners)
        if not mine and not (guest.can_manage and job.guest.guild_id == guest.guild_id):
            raise NotAllowed(f"Only <@{job.guest.user_id}> or a moderator can do that.")
        return job

    async def keep_waiting(self, job_id: int, guest: Guest, address: Address) -> Job:
        """A fresh token for a private card. Raises Gone, NotAllowed."""
        job = await self.owned(job_id, guest)
        fresh = await self._queue.readdress(job, address)
        if fresh is None:
            raise Gone("That picture has been delivered already, perhaps as a direct message.")
        return fresh

    async def outcome(self, job_id: int, guest: Guest) -> str:
        """The words of a described picture. Raises Gone, NotAllowed."""
        job = await self._known(job_id)
        if job.address.private and job.guest.user_id != guest.user_id:
            raise NotAllowed("That picture was described in private.")
        if not job.outcome:
            raise Gone("I no longer have those words.")
        return job.outcome

    def place(self, job: Job) -> Place:
        """Where a waiting job stands."""
        return self._queue.place(job)

    def trouble(self, job: Job) -> str | None:
        """Why nothing moves just now, as a sentence; None when all is well."""
        return self.painters.trouble(job.route)

    # For the courier.

    def subscribe(self, listener: Callable[[JobEvent], None]) -> None:
        """All news of all jobs, on the event loop."""
        self._queue.subscribe(listener)

    async def accepted(self, job: Job, message_id: int | None, shown: Place | None = None) -> None:
        """The member has seen the waiting card, which said that place."""
        await self._queue.accept(job, message_id, shown)

    async def withdraw(self, job: Job) -> None:
        """The member never saw the card: the row goes."""
        await self._queue.withdraw(job)

    async def give_up(self, job: Job) -> None:
        """The message was deleted: the job is cancelled without a word."""
        await self._queue.cancel(job.id)

    async def pictures(self, job: Job) -> list[Picture]:
        """The pictures of a painted job."""
        return await self._queue.pictures(job)

    async def told(self, job: Job) -> None:
        """The message says the end."""
        await self._queue.told(job)

    def waits(self, job: Job) -> bool:
        """Whether it still stands in line."""
        return self._queue.waits(job.id)

    def in_line(self) -> list[Job]:
        """All that waits, oldest first."""
        return [job for job in self._queue.waiting() if job.status is Status.WAITING]

    async def left_over(self) -> tuple[list[Job], list[Job]]:
        """After a restart: (ended but not told, written but perhaps never shown)."""
        return await self._queue.untold(), await self._queue.unaccepted()

    async def find(self, job_id: int) -> Job | None:
        """A job by its number."""
        return await self._queue.get(job_id)

    # Inside.

    def _welcome(self, guest: Guest) -> None:
        if self._allowed and guest.guild_id not in self._allowed:
            raise NotAllowed("This bot only draws in its operator's own servers.")

    async def _known(self, job_id: int) -> Job:
        job = await self._queue.get(job_id)
        if job is None:
            raise Gone("I no longer know that picture.")
        return job


def _best_upscaler(names: Sequence[str]) -> str:
    """A learned one if there is any; servers list plain resampling first."""
    learned = [n for n in names if "esrgan" in n.casefold() or "4x" in n.casefold()]
    return (learned or [n for n in names if n != "None"] or ["Lanczos"])[0]


def _caps(limits: Limits) -> Caps:
    return Caps(limits.waiting_per_member, limits.waiting_per_guild, limits.waiting_total)
