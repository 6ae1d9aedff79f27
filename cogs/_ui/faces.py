"""What the one message of a job shows on its way, and what it showed last.

Two faces that are equal need no edit between them. A place in line never worsens without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.queue.job import Job, JobEvent, Place, Status
from cogs._ui import cards
from cogs._ui.post import Upload

ALT_LIMIT = 1024


@dataclass(frozen=True)
class Face:
    """What a card shows that is not the end; `position` is the place in line that it says."""

    card: cards.Card = field(compare=False)
    preview: bytes | None = None
    position: int | None = field(default=None, compare=False)
    look: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "look", str(self.card.embed.to_dict()))

    def files(self, job: Job) -> list[Upload]:
        """The preview; each edit carries it again, or it would go (contracts, discord 8)."""
        if self.preview is None:
            return []
        alt = f"unfinished: {cards.clipped(job.request.prompt, ALT_LIMIT - 20)}"
        return [Upload(cards.PREVIEW, self.preview, alt)]


class Faces:
    """The faces of one message. `place(job)`: where it stands, for news that do not say it."""

    def __init__(self, place: Callable[[Job], Place]) -> None:
        self._where = place
        self._last: Face | None = None
        self._position: int | None = None
        self._passed = False
        self.previews = True
        self.troubled = False
        """Whether it has ever said why its job does not move."""

    def heard(self, place: Place | None) -> None:
        """After a restart nobody knows what the card says: the first place comes nearest to it."""
        if self._position is None and place is not None:
            self._position = place.position

    def of(self, event: JobEvent) -> Face:
        """What news look like."""
        job, progress = event.job, event.progress
        if job.status is not Status.RUNNING:
            place = event.place or self._where(job)
            passed = self._is_passed(place.position)
            card = cards.waiting(job, place, event.trouble, passed=passed)
            return Face(card, position=place.position)
        preview = progress.preview if progress is not None and self.previews else None
        if progress is not None and preview is None:
            progress = replace(progress, preview=None)
        return Face(cards.drawing(job, progress, stopping=event.stopping), preview)

    def news(self, event: JobEvent) -> Face | None:
        """What news look like; None when the message shows that already."""
        face = self.of(event)
        return None if face == self._last else face

    def shown(self, face: Face, event: JobEvent) -> None:
        """The message shows the face of this event from now on."""
        self._last = face
        if face.position is not None:
            self._passed = self._is_passed(face.position)
            self._position = face.position
            self.troubled = self.troubled or event.trouble is not None

    def lost(self) -> None:
        """What the message shows is not known: the same face is due again."""
        self._last = None

    def _is_passed(self, position: int) -> bool:
        """Whether others have gone ahead; said until the place is better again."""
        if self._position is None or position == self._position:
            return self._passed
        return position > self._position
