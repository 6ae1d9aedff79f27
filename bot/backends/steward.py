"""What owners may do to a backend whose machines can be rented and given back.

Endpoints cost money while they run, checkpoints take minutes to arrive; so these are not for
members. A backend that can do it is a `Steward` beside being a `Backend`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

IN_SERVICE = "InService"


@dataclass(frozen=True)
class EndpointState:
    """One rented endpoint. `status` is SageMaker's word: Creating, InService, Updating,
    RollingBack, Deleting, Deleted, Failed.

    `type` is "Async" or "Real-time". `instances` is how many machines run now, None where that is
    not told; `started_at` is in seconds since the epoch. `reason`: why it failed, for owners.
    """

    name: str
    status: str
    type: str = "Async"
    instance_type: str | None = None
    instances: int | None = None
    started_at: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class CheckpointState:
    """One model file of any type. `type`: Stable-diffusion, embeddings, Lora, hypernetworks,
    ControlNet or VAE. `status`: Initial (its file is still missing), Active, Disabled."""

    id: str
    name: str
    type: str
    status: str


@runtime_checkable
class Steward(Protocol):
    """All methods raise `BackendError`s: BackendRefused with a sentence for what can't be done,
    BackendRejectedCredentials where the backend's own user has no right to it."""

    async def endpoints(self) -> list[EndpointState]:
        """All endpoints, deleted ones left out."""

    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        """Begins to rent; the endpoint's full name. It takes minutes, see `endpoints`."""

    async def undeploy(self, name: str) -> None:
        """Gives an endpoint back, with whatever it is painting."""

    async def checkpoints(self, page: int = 1, per_page: int = 25) -> list[CheckpointState]:
        """One page (the first is 1) of the models of all types; empty behind the last."""

    async def add_checkpoint(self, url: str, kind: str) -> str:
        """Has a model fetched from the web; the file's name. It takes minutes."""

    async def set_checkpoint(self, checkpoint_id: str, *, enabled: bool) -> None:
        """Whether members may choose a model."""
