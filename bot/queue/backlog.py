"""How much has been painted and not been delivered yet: while it is too much, nothing is begun.

The rows are the truth; this counts along, so that no claim has to ask the disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.values.picture import Picture


class Backlog:
    """Bytes of pictures on disk, by job; `cap` in bytes."""

    def __init__(self, cap: float) -> None:
        self._cap = cap
        self._held: dict[int, int] = {}
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self._total

    @property
    def full(self) -> bool:
        """Whether nothing new should be begun."""
        return self._total >= self._cap

    def load(self, held: Mapping[int, int]) -> None:
        """What lies on disk at the start: bytes by job."""
        self._held = dict(held)
        self._total = sum(self._held.values())

    def put(self, job_id: int, pictures: Sequence[Picture]) -> None:
        """Pictures of a job are on disk."""
        size = sum(len(picture.data) for picture in pictures)
        self._held[job_id] = self._held.get(job_id, 0) + size
        self._total += size

    def drop(self, job_id: int) -> None:
        """A job's pictures are gone from the disk."""
        self._total -= self._held.pop(job_id, 0)
