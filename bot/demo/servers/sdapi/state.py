"""The one global state of a web UI: what runs, how far it is, who waits (contract, section 4).

Odd values are kept on purpose: the floor of 0.01, the left-overs when idle, tasks that died
between queue and start and are pending for ever, a raised task that stays "active".
"""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image

REMEMBERED_TASKS = 16


@dataclass
class State:
    """Progress of the running job; times in seconds of the wall clock."""

    skipped: bool = False
    interrupted: bool = False
    stopping_generation: bool = False
    job: str = ""
    job_count: int = 0
    job_timestamp: str = "0"
    job_no: int = 0
    sampling_step: int = 0
    sampling_steps: int = 0
    time_start: float = 0.0
    textinfo: str | None = None
    current_image: Image.Image | None = None
    current_image_step: int = 0
    id_live_preview: int = 0

    def begin(self, job: str) -> None:
        """A job begins: flags of an earlier interrupt are forgotten."""
        now = datetime.now().astimezone()
        self.skipped = self.interrupted = self.stopping_generation = False
        self.job, self.job_count, self.job_no = job, -1, 0
        self.job_timestamp = f"{now:%Y%m%d%H%M%S}"
        self.sampling_step = 0
        self.time_start = time.time()
        self.textinfo = None
        self.current_image, self.current_image_step, self.id_live_preview = None, 0, 0

    def end(self) -> None:
        """Idle again; ``job_no`` and ``sampling_steps`` stay as they are."""
        self.job, self.job_count = "", 0

    def next_job(self) -> None:
        """One pass is done."""
        self.job_no += 1
        self.sampling_step = self.current_image_step = 0

    def shown(self) -> dict[str, Any]:
        """The ``state`` object of ``/progress``."""
        keys = ("skipped", "interrupted", "stopping_generation", "job", "job_count")
        more = ("job_timestamp", "job_no", "sampling_step", "sampling_steps")
        return {key: getattr(self, key) for key in keys + more}

    def progress(self) -> tuple[float, float]:
        """Share done (0 to 1, never under 0.01 while running) and seconds left."""
        if self.job_count == 0:
            return 0.0, 0.0
        share = 0.01 + self.plain_share()
        elapsed = time.time() - self.time_start
        return min(share, 1), elapsed / share - elapsed

    def time_left(self, share: float) -> float | None:
        """Seconds left at a share done, or None at its very start."""
        elapsed = time.time() - self.time_start
        return elapsed / share - elapsed if share > 0 else None

    def plain_share(self) -> float:
        """Share done without the floor."""
        if self.job_count <= 0:
            return 0.0
        within = self.sampling_step / self.sampling_steps if self.sampling_steps else 0.0
        return (self.job_no + within) / self.job_count


@dataclass
class Tasks:
    """Task ids as ``/internal/progress`` knows them."""

    current: str | None = None
    pending: dict[str, float] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def queue(self, task_id: str) -> None:
        """The request waits for its turn."""
        self.pending[task_id] = time.time()

    def start(self, task_id: str) -> None:
        """The task is the running one."""
        self.current = task_id
        self.pending.pop(task_id, None)

    def finish(self, task_id: str) -> None:
        """The task ended well; only the last 16 are remembered."""
        if self.current == task_id:
            self.current = None
        self.finished = [*self.finished, task_id][-REMEMBERED_TASKS:]

    def place(self, task_id: str) -> str:
        """``In queue: 2/3``."""
        waiting = sorted(self.pending, key=self.pending.__getitem__)
        return f"In queue: {waiting.index(task_id) + 1}/{len(waiting)}"


def new_task_id(kind: str) -> str:
    """``task(txt2img-U9A8TIR)``."""
    letters = string.ascii_uppercase + string.digits
    return f"task({kind}-{''.join(secrets.choice(letters) for _ in range(7))})"
