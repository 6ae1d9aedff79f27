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
        self._aside: dict[int, int] = {}

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self._total

    @property
    def full(self) -> bool:
        """Whether nothing new should be begun."""
        return self._total >= self._cap

    def load(self, held: Mapping[int, int]) -> None:
        """What lies on disk: bytes by job."""
        self._aside = {job: held[job] for job in self._aside if job in held}
        self._held = {job: size for job, size in held.items() if job not in self._aside}
        self._total = sum(self._held.values())

    def put(self, job_id: int, pictures: Sequence[Picture]) -> None:
        """Pictures of a job are on disk."""
        size = sum(len(picture.data) for picture in pictures)
        self._held[job_id] = self._held.get(job_id, 0) + size
        self._total += size

    def drop(self, job_id: int) -> None:
        """A job's pictures are gone from the disk."""
        self._total -= self._held.pop(job_id, 0)
        self._aside.pop(job_id, None)

    def set_aside(self, job_id: int) -> list[int]:
        """No way leads to the member: its pictures are kept, and stop nobody else.

        The jobs whose pictures have to go, oldest first, so that what is kept so stays under
        the cap as well.
        """
        size = self._held.pop(job_id, 0)
        self._total -= size
        if size:
            self._aside[job_id] = size
        over = sum(self._aside.values()) - self._cap
        gone = []
        for old, bytes_there in self._aside.items():
            if over <= 0:
                break
            gone.append(old)
            over -= bytes_there
        return gone
