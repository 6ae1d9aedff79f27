"""The face of a painter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from bot.backends.quota import Quota, Quotas
from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

Report = Callable[[float, bytes | None], None]
"""What a painter says while it works: the fraction of this call that is done, as the server
says it (0 to 1, it may fall back), and a small JPEG of what it has so far if there is a new one.
"""


class Errand(Protocol):
    """What outlives the process of a task that its painter goes on with by itself.

    `left` is what an earlier call for the same pictures noted at this very painter, else None.
    """

    @property
    def left(self) -> str | None:
        """Where it was left."""

    async def note(self, left: str) -> None:
        """Keeps where it stands, on disk when this returns. Raises DatabaseUnavailable."""

    def tell(self, words: str | None, eta_seconds: float | None) -> None:
        """For the member, from a painter that knows no fraction: some words, and how long yet."""


class Unlasting:
    """The errand of a call that nobody would take up again."""

    left: str | None = None

    async def note(self, left: str) -> None:
        """Nothing is kept."""

    def tell(self, words: str | None, eta_seconds: float | None) -> None:
        """Nobody listens."""


UNLASTING = Unlasting()


class Keeper(Protocol):
    """Where small facts are kept between runs. Both may raise DatabaseUnavailable."""

    async def recall(self, name: str) -> str | None:
        """What was kept under a name."""

    async def remember(self, name: str, value: str) -> None:
        """Keeps it, over an older one of that name."""


class Backend(ABC):
    """One image server. All methods raise only `BackendError`s (see bot.errors).

    `ability` is what the last successful `probe` found; None until then. `quota` is what its
    requests spend, and may be another backend's, too: `quotas` knows, one for the whole process.
    `loaded` is the `Model.name` whose weights its last picture left in memory; None while nobody
    knows better than `ability.current_model`. `memory` outlives the process.
    """

    kind: ClassVar[str]
    outlives: ClassVar[bool] = False
    """Whether its tasks go on by themselves, many at a time, whatever becomes of us: then a job
    is taken up where it was left, and no checkpoint is "the loaded one"."""

    def __init__(
        self,
        settings: BackendSettings,
        quotas: Quotas | None = None,
        memory: Keeper | None = None,
    ) -> None:
        self.settings = settings
        self.quota: Quota = (quotas or Quotas()).of(settings)
        self.memory = memory
        self.ability: Ability | None = None
        self.loaded: str | None = None

    @property
    def name(self) -> str:
        """The operator's name for it; also the route of its jobs."""
        return self.settings.name

    def held(self) -> float:
        """Seconds for which no picture may be asked for, because somebody there said so."""
        return self.quota.held()

    @abstractmethod
    async def probe(self) -> Ability:
        """Asks what the server can do, without generating; remembers it in `ability`."""

    async def ping(self) -> None:
        """The smallest question that it has, to learn within about 5 s whether it still answers.

        Raises BackendUnreachable, BackendTimeout or BackendRejectedCredentials when it can't be
        used; any other error is an answer.
        """
        await self.probe()

    @abstractmethod
    async def refresh(self) -> Ability:
        """Has the server look at its own disk again, then probes; may wait for a running job."""

    @abstractmethod
    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,
        errand: Errand = UNLASTING,
    ) -> list[Picture]:
        """One generating call: at least one and at most `count` whole pictures, with infotext.

        `task_id` is ours and new for each attempt; `report` hears how far it is, and with
        `previews` what it looks like. When the caller cancels, the server is told to stop if it
        can be. After a `forget` of this very task, what was whole by then comes, perhaps none.
        Painters that outlive us note in `errand` what they were given, and take up what is left.
        """

    @abstractmethod
    async def describe(self, source: Source, task_id: str, report: Report) -> str:
        """Words that would draw a picture like the source; `task_id` and `report` as in `paint`."""

    @abstractmethod
    async def load(self, model: str) -> None:
        """Brings a checkpoint, by its `Model.name`, into memory; then it is the current one."""

    @abstractmethod
    async def forget(self, task_id: str) -> None:
        """Stops a task, of this or an earlier attempt, if the server still does it; never raises.

        The call that waits for it is not dropped: its answer comes early.
        """

    @abstractmethod
    async def close(self) -> None:
        """Gives back the connections."""
