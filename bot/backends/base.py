"""The face of a painter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

Report = Callable[[float, bytes | None], None]
"""What a painter says while it works: the fraction of this call that is done, as the server
says it (0 to 1, it may fall back), and a small JPEG of what it has so far if there is a new one.
"""


class Backend(ABC):
    """One image server. All methods raise only `BackendError`s (see bot.errors).

    `ability` is what the last successful `probe` found; None until then.
    """

    kind: ClassVar[str]

    def __init__(self, settings: BackendSettings) -> None:
        self.settings = settings
        self.ability: Ability | None = None

    @property
    def name(self) -> str:
        """The operator's name for it; also the route of its jobs."""
        return self.settings.name

    @abstractmethod
    async def probe(self) -> Ability:
        """Asks what the server can do, without generating; remembers it in `ability`."""

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
    ) -> list[Picture]:
        """One generating call: at least one and at most `count` whole pictures, with infotext.

        `task_id` is ours and new for each attempt; `report` hears how far it is, and with
        `previews` what it looks like. When the caller cancels, the server is told to stop if it
        can be. After a `forget` of this very task, what was whole by then comes, perhaps none.
        """

    @abstractmethod
    async def describe(self, source: Source) -> str:
        """Words that would draw a picture like the source."""

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
