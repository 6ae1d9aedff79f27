"""The desk: the one thing a cog asks. It checks from memory, then hands the order to the queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import Gone, NotAllowed, Refusal
from bot.guilds import Effective, Guilds, Scope
from bot.images.foreign import Reading
from bot.queue.door import Caps
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, NewJob, Place, Status
from bot.queue.queue import Queue
from bot.settings import Limits
from bot.studio.budget import Budgets
from bot.studio.compose import check_ceilings, new_seed
from bot.studio.drafts import Draft, Drafts
from bot.studio.library import Library
from bot.studio.lines import Lines
from bot.studio.options import DrawOptions
from bot.studio.over import (
    OverOptions,
    UpscaleOptions,
    describing,
    loading,
    prepared,
    prepared_all,
    title_of,
    upscaling,
)
from bot.studio.owners import Owners
from bot.studio.painters import Painters
from bot.studio.readings import words_of
from bot.studio.rules import Rules
from bot.studio.search import resolve
from bot.studio.shelf import Shelf
from bot.studio.words import as_settings
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest, Kind
from bot.values.source import Role, Source


@dataclass(frozen=True)
class Switched:
    """What was chosen; `route` is the painter that shall load it at once, if one shall."""

    name: str | None
    route: str | None


BY_MODERATOR = "A moderator cancelled this."


class Studio:
    """Takes orders. `painters` are all configured backends by name, in the operator's order.

    `owners` is what its operators may do; the architect opens it.
    """

    owners: Owners

    def __init__(
        self,
        queue: Queue,
        painters: Mapping[str, Health],
        library: Library,
        limits: Limits,
        *,
        guilds: Guilds,
        allowed_guilds: Sequence[int] = (),
        owners: Sequence[int] = (),
        budgets: Budgets | None = None,
    ) -> None:
        self._queue = queue
        self._budgets = budgets or Budgets({})
        self.painters = Painters(painters)
        self._limits = limits
        self._owners = frozenset(owners)
        self.shelf = Shelf(painters, library.families, guilds)
        self.styles = library.styles
        self.rules = Rules(guilds, limits, owners, self._spell, allowed_guilds)
        self.guild_count: Callable[[], int] = lambda: 1
        self.lines = Lines(queue, guilds, self.rules, owners)
        self.drafts = Drafts(self.painters, library, self.rules, limits, self._budgets)

    # Orders.

    def compose(self, options: DrawOptions, guest: Guest, kind: Kind = "txt2img") -> Draft:
        """The complete request and its route. Raises Refusal, without any I/O."""
        self._welcome(guest)
        draft = self.drafts.of(options, guest, kind)
        self._queue.check(guest.user_id, guest.guild_id, _caps(draft.limits))
        return draft

    def redraw(
        self, reading: Reading, guest: Guest, own: Mapping[str, Any] | None = None
    ) -> tuple[Draft, Sequence[str]]:
        """A picture's own settings as a draft, and what of them can't be had. Raises Refusal.

        `own` are options that the guest gave beside them, by name.
        """
        self._welcome(guest)
        draft, left_out = self.drafts.again(reading, guest, own or {})
        self._queue.check(guest.user_id, guest.guild_id, _caps(draft.limits))
        return draft, left_out

    async def clear_up(self, route: str) -> None:
        """The painter has told its lists: orders that were taken blindly are composed anew, and
        those that it can paint as well may be painted by it.
        """
        for job in self.in_line():
            if job.request.unseen is not None:
                if job.route == route:
                    await self._see(job)
            elif job.status is Status.WAITING:
                able = self.painters.able(job.request, job.route)
                await self._queue.reroute(job, self._budgets.widened(job, able | {job.route}))

    def pasted(self, prompt: str) -> Reading | None:
        """The settings that somebody pasted in the place of a prompt; None for a prompt."""
        return as_settings(prompt)

    def in_words(self, options: DrawOptions) -> tuple[DrawOptions, bool]:
        """The options with the words alone of settings pasted as the prompt, and whether any were.

        A negative prompt of the member's own stays.
        """
        reading = as_settings(options.prompt)
        if reading is None:
            return options, False
        words = words_of(reading)
        negative = options.negative_prompt or words.negative_prompt
        return replace(options, prompt=words.prompt, negative_prompt=negative), True

    def in_force(self, guest: Guest) -> Effective:
        """The defaults and caps for this guest in their channel, from memory."""
        return self.rules.in_force(guest)

    def private(self, guest: Guest, asked: bool | None) -> bool:
        """Whether the answer is for the guest alone: as asked, else as chosen here."""
        return bool(self.in_force(guest)["private"]) if asked is None else asked

    async def draw(self, draft: Draft, guest: Guest, address: Address) -> Job | None:
        """The row of a draft; None when Discord replayed the interaction.

        Raises QueueFull, DatabaseUnavailable.
        """
        new = NewJob(
            draft.request,
            guest,
            address,
            draft.route,
            routes=draft.routes,
            weight=draft.weight,
        )
        return await self._submit(new, _caps(draft.limits))

    async def img2img(
        self, options: DrawOptions, over: OverOptions, guest: Guest, address: Address
    ) -> Job | None:
        """Paints over a guest's picture, or follows it. Raises Refusal, DatabaseUnavailable."""
        given = await asyncio.to_thread(prepared_all, over)
        draft = self.drafts.over(options, over, guest, given[0])
        new = NewJob(
            draft.request,
            guest,
            address,
            draft.route,
            sources=given,
            routes=draft.routes,
            weight=draft.weight,
        )
        return await self._submit(new, _caps(draft.limits))

    async def refresh(self, guest: Guest) -> None:
        """Every painter looks again at what it has. Raises NotAllowed, Refusal."""
        self._welcome(guest)
        if not self.rules.may_change(guest):
            raise NotAllowed("Only people who may manage this server can have me look again.")
        await self.painters.refresh()

    async def switch_model(self, guest: Guest, scope: Scope, typed: str | None) -> Switched:
        """Chooses what a member, channel or server draws with; None goes back to the default.

        Raises NotAllowed, UnknownName, Refusal where only the operator can change the model.
        """
        self._welcome(guest)
        refused = self.fixed()
        if refused is not None:
            raise Refusal(refused)
        exact = self.painters.model(typed)
        able = self.painters.choosable()
        if exact is not None and self.painters.abilities() and exact not in able:
            raise Refusal(f"Only the operator can bring {exact} into the image server.")
        name = await self.rules.change(guest, scope, "model", typed)
        if not isinstance(name, str):
            return Switched(None, None)
        route = self.painters.route(name)
        # For a whole server only: what is loaded serves everybody who has not chosen.
        loads = scope is Scope.SERVER and self.painters.may_load(route, self.guild_count())
        return Switched(name, route if loads else None)

    def fixed(self) -> str | None:
        """A sentence, where nobody but the operator can change what is drawn with; else None."""
        alone = self.painters.fixed()
        if alone is None:
            return None
        return (
            f"Only the operator can change the model of this image server. It draws with {alone}."
        )

    async def load(self, switched: Switched, guest: Guest, address: Address) -> Job | None:
        """Brings the chosen model into memory, in line with all other orders."""
        self._welcome(guest)
        request = loading(str(switched.name))
        new = NewJob(request, guest, address, str(switched.route))
        return await self._submit(new, _caps(self.in_force(guest).limits(self._limits)))

    async def upscale(self, options: UpscaleOptions, guest: Guest, to: Address) -> Job | None:
        """A larger version of a guest's picture. Raises Refusal, DatabaseUnavailable."""
        route = self.painters.route_that("upscale", "upscale pictures")
        ability = self.painters.ability(route)
        names = {n: n for n in ability.upscalers if n != "None"}
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
        routes = self.painters.able(request, route)
        new = NewJob(request, guest, to, route, sources=(source,), routes=routes)
        return await self._submit(new, caps)

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
        address = replace(address, spoiler=address.spoiler or old.address.spoiler)
        seed = old.request.seed if same_seed else new_seed()
        update: dict[str, Any] = {"seed": seed}
        if old.request.unseen is not None:
            update["unseen"] = old.request.unseen | {"seed": seed}
        request = old.request.model_copy(update=update)
        limits = self.in_force(guest).limits(self._limits)
        check_ceilings(request, limits)
        route = self.painters.again(request, old.route)
        if request.unseen is not None and self.painters.known(route):
            asked = replace(old, request=request, guest=guest, address=address, route=route)
            request = self.drafts.anew(asked)
        given = await self._queue.sources(old)
        if request.begins_with_picture and not given:
            raise Gone("I no longer have the picture it was made from.")
        new = NewJob(
            request,
            guest,
            address,
            route,
            parent_id=old.id,
            sources=given,
            routes=self.painters.able(request, route),
            weight=self.rules.weight(guest),
        )
        return await self._submit(new, _caps(limits))

    async def cancel(self, job_id: int, guest: Guest) -> Job:
        """Ends a waiting or running job. Raises Gone, NotAllowed, DatabaseUnavailable."""
        owned = await self.owned(job_id, guest)
        own = owned.guest.user_id == guest.user_id
        job = await self._queue.cancel(job_id, sentence=None if own else BY_MODERATOR)
        if job is None:
            raise Gone("That picture is finished already.")
        return job

    async def left(self, guild_id: int) -> None:
        """The bot is in a server no more: what waits there is cancelled, with no one to tell."""
        await self._queue.clear(guild_id)

    async def owned(self, job_id: int, guest: Guest) -> Job:
        """The job, if the guest may change it: their own, with Manage Messages, or an operator.

        Raises Gone, NotAllowed.
        """
        job = await self._known(job_id)
        if not self.may_end(job, guest):
            raise NotAllowed(f"Only <@{job.guest.user_id}> or a moderator can do that.")
        return job

    def may_end(self, job: Job, guest: Guest) -> bool:
        """Whether a guest may change a job: their own, as a moderator, or as an operator."""
        mine = guest.user_id in (job.guest.user_id, *self._owners)
        return mine or (guest.can_manage and job.guest.guild_id == guest.guild_id)

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
        return self._queue.why_still(job)

    # For the courier.

    def subscribe(self, listener: Callable[[JobEvent], None]) -> None:
        """All news of all jobs, on the event loop."""
        self._queue.subscribe(listener)

    async def accepted(self, job: Job, message_id: int | None, shown: Place | None = None) -> None:
        """The member has seen the waiting card, which said that place.

        Its painter may have told its lists while the card was on its way.
        """
        blind = job.request.unseen is not None and self.painters.known(job.route)
        if blind:
            # Before it stands in line: once it does, it may be painted at any moment.
            with contextlib.suppress(Refusal):
                await self._queue.amend(job, self.drafts.anew(job))
        await self._queue.accept(job, message_id, shown)
        if job.request.unseen is not None and self.painters.known(job.route):
            await self._see(job)

    async def withdraw(self, job: Job) -> None:
        """The member never saw the card: the row goes."""
        self._budgets.withdraw(job.id)
        await self._queue.withdraw(job)

    async def give_up(self, job: Job) -> None:
        """The message was deleted: the job is cancelled without a word."""
        await self._queue.cancel(job.id, salvage=False)

    async def pictures(self, job: Job) -> list[Picture]:
        """The pictures of a painted job."""
        return await self._queue.pictures(job)

    async def told(self, job: Job) -> None:
        """The message says the end."""
        await self._queue.told(job)

    async def call_due(self, job: Job) -> bool:
        """Whether the member of a delivered job is still to be called to it."""
        return await self._queue.call_due(job)

    async def called(self, job: Job) -> None:
        """They were."""
        await self._queue.called(job)

    async def uncalled(self) -> list[Job]:
        """After a restart: delivered, and perhaps not called for."""
        return await self._queue.uncalled()

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

    async def _submit(self, new: NewJob, caps: Caps) -> Job | None:
        """Into the line, for those that may still paint so much today. Raises Refusal, QueueFull,
        DatabaseUnavailable.
        """
        with self._budgets.writing(new) as admitted:
            job = await self._queue.submit(admitted, caps)
            if job is not None:
                self._budgets.put(job)
            return job

    async def _see(self, job: Job) -> None:
        """A blind order of a painter that has told its lists is made whole, or refused."""
        try:
            await self._queue.amend(job, self.drafts.anew(job))
        except Refusal as refusal:
            await self._queue.refuse(job, refusal.sentence)

    def _spell(self, option: str, typed: str) -> str:
        """The exact name of what may be chosen by name. Raises UnknownName."""
        if option == "style":
            return self.styles.find(typed).name
        return self.painters.spell(option, typed)

    def _welcome(self, guest: Guest) -> None:
        self.rules.welcome(guest)

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
