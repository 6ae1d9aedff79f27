"""The second generation of the middleware, v1.5 to v1.7: real codes, one envelope, pages.

Source: contracts, aws 2.4.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from bot.backends.sd_extension_answers import value_of
from bot.backends.sd_extension_api import (
    ACTIVE,
    REAL_TIME,
    TYPES,
    Job,
    Middleware,
    Order,
    Outputs,
    Prepared,
    job_of,
    prepared,
    rows,
    texts,
)
from bot.backends.steward import CheckpointState
from bot.errors import BackendBadAnswer, BackendRefused, BackendRejectedCredentials

PER_PAGE: Final = 100
"""The service's own is 10: a hundred checkpoints would be ten requests."""
MOST_PAGES: Final = 200


class Modern(Middleware):
    """v1.5 to v1.7."""

    generation: ClassVar[str] = "modern"

    async def ping(self, timeout: float) -> None:
        """`{"statusCode": 200, "message": "pong"}`."""
        await self.ask("GET", "/ping", timeout=timeout)

    async def prepare(self, order: Order) -> Prepared:
        """Never with `payload_string`: that starts at once, before anybody knows the id."""
        body = {
            "task_type": order.task,
            "inference_type": self._type,
            "models": order.models,
            "sagemaker_endpoint_name": order.endpoint or "",
            "filters": {},
            "user_id": self.settings.user,
        }
        return prepared(await self.order("POST", "/inferences", body))

    async def start(self, job_id: str) -> Job:
        """202; of a real-time endpoint 200 with the finished job, 400 for one that failed."""
        return job_of(await self.order("PUT", f"/inferences/{quote(job_id)}/start"))

    async def job(self, job_id: str) -> Job:
        """With URLs for an hour, whether anything is there yet or not."""
        return job_of(await self.ask("GET", f"/inferences/{quote(job_id)}"))

    async def outputs(self, job: Job) -> Outputs:
        """They stand in the row."""
        return Outputs(job.pictures or (), job.parameters)

    async def models(self, *, usable: bool) -> list[dict[str, Any]]:
        """By `total`: `pages` is one too many when the last one is full."""
        found: dict[str, dict[str, Any]] = {}
        query = [("types", kind) for kind in TYPES] + ([("status", ACTIVE)] if usable else [])
        for page in range(1, MOST_PAGES + 1):
            paged = urlencode([*query, ("page", page), ("per_page", PER_PAGE)])
            value = await self.ask("GET", f"/checkpoints?{paged}")
            listed = rows(value, "checkpoints")
            # A model that arrives meanwhile moves others to the next page.
            found |= {str(row.get("id")): row for row in listed}
            total = value.get("total")
            if not listed or not isinstance(total, int) or len(found) >= total:
                break
        return list(found.values())

    async def machines(self) -> list[dict[str, Any]]:
        """As long as a key of a next page comes."""
        found: list[dict[str, Any]] = []
        more = ""
        for _ in range(MOST_PAGES):
            value = await self.ask("GET", f"/endpoints?limit={PER_PAGE}{more}")
            found += rows(value, "endpoints")
            key = value.get("last_evaluated_key")
            if not isinstance(key, str) or not key:
                break
            more = f"&exclusive_start_key={quote(key, safe='')}"
        return found

    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        """For those of our roles that have none yet."""
        body = {
            "instance_type": instance_type,
            "initial_instance_count": instances,
            "max_instance_number": str(instances),
            "autoscaling_enabled": False,
            "assign_to_roles": await self.free_roles(await self._roles()),
            "endpoint_type": self._type,
            "service_type": "sd",
            "creator": self.settings.user,
        } | ({"endpoint_name": name} if name else {})
        value = await self.ask("POST", "/endpoints", body)
        full = value.get("endpoint_name") if isinstance(value, dict) else None
        if not isinstance(full, str) or not full:
            raise BackendBadAnswer("a deployment without the endpoint's name")
        return full

    async def undeploy(self, name: str) -> None:
        """204."""
        body = {"endpoint_name_list": [name], "username": self.settings.user}
        await self.ask("DELETE", "/endpoints", body)

    async def fetch_model(self, url: str, kind: str) -> None:
        """202: another lambda fetches it, and tells nobody when it can't."""
        params = {"creator": self.settings.user}
        body = {"checkpoint_type": kind, "urls": [url], "params": params}
        await self.ask("POST", "/checkpoints", body)

    async def switch_model(self, row: CheckpointState, status: str) -> None:
        """A change of status wants to hear of parts that were put, if only of none."""
        body = {"status": status, "multi_parts_tags": {row.name: []}}
        await self.ask("PUT", f"/checkpoints/{quote(row.id)}", body)

    @property
    def _type(self) -> str:
        return REAL_TIME if self.settings.real_time else "Async"

    async def _roles(self) -> list[str]:
        """Ours; none when we may not list users."""
        try:
            answer = value_of(await self.gate.ask("GET", "/users?limit=100"))
        except (BackendRejectedCredentials, BackendRefused):
            return []
        mine = [u for u in rows(answer, "users") if u.get("username") == self.settings.user]
        return texts(mine[0].get("roles")) if mine else []
