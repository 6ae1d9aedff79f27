"""The face of a painter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture, Progress
from bot.values.request import ImageRequest
from bot.values.source import Source

Report = Callable[[Progress], None]


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
    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
    ) -> list[Picture]:
        """Paints and waits: at least one whole picture, each with its infotext.

        `task_id` is ours and new for each attempt; `report` hears of progress, never falling
        back. When the caller cancels, the server is told to stop if it can be.
        """

    @abstractmethod
    async def describe(self, source: Source) -> str:
        """Words that would draw a picture like the source."""

    @abstractmethod
    async def forget(self, task_id: str) -> None:
        """Stops the work of an earlier attempt, if the server still does it; never raises."""

    @abstractmethod
    async def close(self) -> None:
        """Gives back the connections."""
