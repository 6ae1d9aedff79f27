"""The first generation of the middleware, v1.1 to v1.3: the document of 2023-07-05.

What is documented and what is served differ; one picture goes in two steps there, or in one at
another address. Source: contracts, aws 2.2, 2.4 and 2.6.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from bot.backends.sd_extension_answers import UnknownJob, refusal, value_of
from bot.backends.sd_extension_api import (
    ACTIVE,
    TYPES,
    Job,
    Middleware,
    Order,
    Outputs,
    Prepared,
    begun_between,
    job_of,
    moment,
    prepared,
    rows,
    texts,
)
from bot.backends.steward import CheckpointState
from bot.errors import BackendBadAnswer, BackendFailed, BackendUnreachable

DOCUMENTED: Final = "/inference/v2"
"""Where the document puts the one-step body; v1.3.0 refuses it there."""
SERVED: Final = "/inference-api/inference"
"""Where v1.3.0 takes it."""


class Classic(Middleware):
    """v1.1 to v1.3."""

    generation: ClassVar[str] = "classic"

    async def ping(self, timeout: float) -> None:
        """`{"message": "Success"}`."""
        await self.ask("GET", "/inference/test-connection", timeout=timeout)

    async def prepare(self, order: Order) -> Prepared:
        """The first of two steps; any other key is refused, `filters` must be there."""
        body = {
            "task_type": order.task,
            "models": order.models,
            "sagemaker_endpoint_name": order.endpoint or "",
            "user_id": self.settings.user,
            "filters": {},
        }
        return prepared(await self.order("POST", DOCUMENTED, body))

    async def one_step(self, path: str, data: bytes) -> Job:
        """Fields of the job and of the picture in one body, which begins at once.

        Raises UnknownKeys where `path` takes the two-step body only.
        """
        return job_of(value_of(await self.gate.paint("POST", path, data)))

    async def start(self, job_id: str) -> Job:
        """However often it is asked, it begins again."""
        path = f"{DOCUMENTED}/{quote(job_id)}/run"
        try:
            return job_of(await self.order("PUT", path, {}))
        except BackendFailed as error:
            if "AssertionError" in str(error):
                raise UnknownJob(str(error)) from error
            raise

    async def job(self, job_id: str) -> Job:
        """A bare row; its pictures are asked for apart."""
        return job_of(await self.ask("GET", f"/inference/get-inference-job?jobID={quote(job_id)}"))

    async def outputs(self, job: Job) -> Outputs:
        """Two lists of URLs; empty before the end."""
        query = f"jobID={quote(job.id)}"
        pictures = await self.ask("GET", f"/inference/get-inference-job-image-output?{query}")
        parameters = await self.ask("GET", f"/inference/get-inference-job-param-output?{query}")
        return Outputs(tuple(texts(pictures)), next(iter(texts(parameters)), None))

    async def started_between(self, task: str, first: float, last: float) -> list[str]:
        """The ids of the jobs of that task that began between two times (epoch seconds)."""
        body = {"task_type": task, "start_time": moment(first), "end_time": moment(last)}
        value = await self.ask("POST", "/inference/query-inference-jobs", body)
        return begun_between(rows(value, "inferences"), task, first, last)

    async def models(self, *, usable: bool) -> list[dict[str, Any]]:
        """Without pages."""
        query = [("types", kind) for kind in TYPES] + ([("status", ACTIVE)] if usable else [])
        return rows(await self.ask("GET", f"/checkpoints?{urlencode(query)}"), "checkpoints")

    async def machines(self) -> list[dict[str, Any]]:
        """Deleted ones too."""
        return rows(await self.ask("GET", "/endpoints"), "endpoints")

    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        """200 also on failure: then without `data`."""
        body = {
            "instance_type": instance_type,
            "initial_instance_count": instances,
            "autoscaling_enabled": False,
            "assign_to_roles": await self.free_roles(()),
            "creator": self.settings.user,
        } | ({"endpoint_name": name} if name else {})
        value = await self.ask("POST", "/endpoints", body)
        full = value.get("endpoint_name") if isinstance(value, dict) else None
        if isinstance(full, str) and full:
            return full
        words = str(value.get("message")) if isinstance(value, dict) else ""
        raise refusal(400, words or "a deployment without the endpoint's name")

    async def undeploy(self, name: str) -> None:
        """The answer is a bare string, of the error too."""
        body = {"delete_endpoint_list": [name], "username": self.settings.user}
        said = await self.ask("DELETE", "/endpoints", body)
        if isinstance(said, str) and "deleted" not in said.casefold():
            raise refusal(400, said)

    async def fetch_model(self, url: str, kind: str) -> None:
        """It answers when it has the model; most are larger than the gateway's 29 s."""
        params = {"creator": self.settings.user}
        body = {"checkpointType": kind, "modelUrl": [url], "params": params}
        try:
            await self.ask("POST", "/upload_checkpoint", body)
        except BackendUnreachable as error:
            if "504" not in str(error):
                raise

    async def switch_model(self, row: CheckpointState, status: str) -> None:
        """Nothing was put in parts."""
        body = {"checkpoint_id": row.id, "status": status, "multi_parts_tags": {}}
        value = await self.ask("PUT", "/checkpoint", body)
        if not isinstance(value, dict) or "checkpoint" not in value:
            raise BackendBadAnswer("a change of status that was not confirmed")
