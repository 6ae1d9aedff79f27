"""The desk: the one thing a cog asks. It checks from memory, then hands the order to the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.errors import (
    BackendRejectedCredentials,
    Gone,
    NotAllowed,
    Refusal,
)
from bot.guilds import Effective, Guilds
from bot.queue.health import Health, State
from bot.queue.job import Job, JobEvent, NewJob, Place, Status
from bot.queue.queue import Caps, Queue
from bot.settings import Limits
from bot.studio.compose import (
    DrawOptions,
    check_ceilings,
    compose,
    model_names,
    new_seed,
    unchecked,
)
from bot.studio.defaults import adapted, with_defaults
from bot.studio.families import Families
from bot.studio.rules import Rules
from bot.studio.search import find, resolve, same
from bot.studio.shelf import Shelf
from bot.values.ability import Ability
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest


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
        self._painters = dict(painters)
        self._families = families
        self._limits = limits
        self._allowed = frozenset(allowed_guilds)
        self._owners = frozenset(owners)
        self.shelf = Shelf(self._painters, families, guilds)
        self.rules = Rules(guilds, limits, owners, self._spell)

    # What there is to choose from; from memory, for completions.

    def models(self, typed: str = "") -> list[str]:
        """At most 25 checkpoints whose names hold all typed words."""
        return find(typed, dict.fromkeys(self._all_models().values()))

    def samplers(self, typed: str = "") -> list[str]:
        """At most 25 samplers of all painters."""
        return find(typed, dict.fromkeys(s.name for a in self._abilities() for s in a.samplers))

    def schedulers(self, typed: str = "") -> list[str]:
        """At most 25 schedulers of all painters."""
        return find(typed, dict.fromkeys(s.label for a in self._abilities() for s in a.schedulers))

    # Orders.

    def compose(self, options: DrawOptions, guest: Guest) -> tuple[ImageRequest, str]:
        """The complete request and its route. Raises Refusal, without any I/O."""
        self._welcome(guest)
        chosen = self.in_force(guest)
        model = self._model(options.model) or self._default_model(chosen)
        route = self._route(model)
        ability = self._painters[route].backend.ability or Ability()
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
        return request, route

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
        route = old.route if old.route in self._painters else self._route(old.request.model)
        self._usable(route)
        new = NewJob(request, guest, address, route, parent_id=old.id)
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
            raise Gone("That picture is no longer in line.")
        return fresh

    def place(self, job: Job) -> Place:
        """Where a waiting job stands."""
        return self._queue.place(job)

    def trouble(self, job: Job) -> str | None:
        """Why nothing moves just now, as a sentence; None when all is well."""
        painter = self._painters.get(job.route)
        return trouble_of(painter) if painter is not None else None

    # For the courier.

    def subscribe(self, listener: Callable[[JobEvent], None]) -> None:
        """All news of all jobs, on the event loop."""
        self._queue.subscribe(listener)

    async def accepted(self, job: Job, message_id: int, shown: Place | None = None) -> None:
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

    def _abilities(self) -> list[Ability]:
        return [h.backend.ability for h in self._painters.values() if h.backend.ability]

    def _all_models(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for ability in self._abilities():
            names |= {k: v for k, v in model_names(ability.models).items() if k not in names}
        return names

    def _model(self, typed: str | None) -> str | None:
        names = self._all_models()
        if typed is None:
            return None
        if not names:
            return unchecked("model", typed)
        return resolve("model", "model", typed, names)

    def _spell(self, option: str, typed: str) -> str:
        """The painters' own spelling of a model, sampler or scheduler. Raises UnknownName."""
        names = {
            "model": self._all_models(),
            "sampler": {s.name: s.name for a in self._abilities() for s in a.samplers},
            "scheduler": {s.label: s.label for a in self._abilities() for s in a.schedulers},
        }[option]
        return resolve(option, option, typed, names) if names else unchecked(option, typed)

    def _default_model(self, chosen: Effective) -> str | None:
        """The model chosen here; None when it is gone from every painter."""
        typed, names = chosen.text("model"), self._all_models()
        if typed is None or not names:
            return typed
        return same(typed, names)

    def _route(self, model: str | None) -> str:
        """The first painter that lists the model and is up; without a model, the first one up."""
        able = [
            name
            for name, health in self._painters.items()
            if model is None
            or not (ability := health.backend.ability)
            or not ability.models
            or any(m.name == model for m in ability.models)
        ] or list(self._painters)
        up = [n for n in able if self._painters[n].state is State.UP]
        hopeful = [n for n in able if self._painters[n].state is not State.REJECTED]
        route = (up or hopeful or able)[0]
        self._usable(route)
        return route

    def _usable(self, route: str) -> None:
        """A wrong password is not worth waiting for: it is said at once."""
        error = self._painters[route].error
        if isinstance(error, BackendRejectedCredentials):
            raise Refusal(error.sentence, detail=str(error))

    async def _known(self, job_id: int) -> Job:
        job = await self._queue.get(job_id)
        if job is None:
            raise Gone("I no longer know that picture.")
        return job


def _caps(limits: Limits) -> Caps:
    return Caps(limits.waiting_per_member, limits.waiting_per_guild, limits.waiting_total)


def trouble_of(painter: Health) -> str | None:
    """The sentence for waiting cards while a painter cannot be used."""
    if painter.state is not State.DOWN:
        return None
    return "The image server can't be reached right now. Your place in line is kept."
