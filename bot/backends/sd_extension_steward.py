"""What owners do to the extension's endpoints and models; see `bot.backends.steward`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from bot.backends.sd_extension_api import ACTIVE, TYPES, Middleware, checkpoints_of, endpoint_of
from bot.backends.steward import CheckpointState, EndpointState
from bot.errors import BackendRefused

GONE = "There is no such endpoint."
NO_MODEL = "There is no such model."


class Stewardship(ABC):
    """A `Steward`, for a painter that knows its middleware."""

    @abstractmethod
    async def service(self) -> Middleware:
        """The generation that answers."""

    async def endpoints(self) -> list[EndpointState]:
        """All that are not deleted, as they are now."""
        rows = await (await self.service()).machines()
        states = [state for row in rows if (state := endpoint_of(row)) is not None]
        return [state for state in states if state.status != "Deleted"]

    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        """Begins to deploy; its full name, which the service makes of `name`."""
        return await (await self.service()).deploy(instance_type, instances, name)

    async def undeploy(self, name: str) -> None:
        """Deletes an endpoint. Raises BackendRefused for one that is not there."""
        if name not in {state.name for state in await self.endpoints()}:
            raise BackendRefused(f"no endpoint {name}", sentence=GONE)
        await (await self.service()).undeploy(name)

    async def checkpoints(self, page: int = 1, per_page: int = 25) -> list[CheckpointState]:
        """One page of all types, whatever their status."""
        found = await self._all_checkpoints()
        return found[(page - 1) * per_page : page * per_page]

    async def add_checkpoint(self, url: str, kind: str) -> str:
        """Has the service fetch a model; its file's name. Raises BackendRefused."""
        parts = urlsplit(url)
        name = PurePosixPath(unquote(parts.path)).name
        if kind not in TYPES:
            raise BackendRefused(f"type {kind}", sentence=f"A model's type is {_either(TYPES)}.")
        if parts.scheme not in ("http", "https") or not parts.hostname or not name:
            raise BackendRefused(
                "an address without a file", sentence="The link must lead to one model file."
            )
        await (await self.service()).fetch_model(url, kind)
        return name

    async def set_checkpoint(self, checkpoint_id: str, *, enabled: bool) -> None:
        """Active or Disabled; all files of its row. Raises BackendRefused for an unknown one."""
        found = [row for row in await self._all_checkpoints() if row.id == checkpoint_id]
        if not found:
            raise BackendRefused(f"no checkpoint {checkpoint_id}", sentence=NO_MODEL)
        service = await self.service()
        await service.switch_model(found[0], ACTIVE if enabled else "Disabled")

    async def _all_checkpoints(self) -> list[CheckpointState]:
        return checkpoints_of(await (await self.service()).models(usable=False))


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
