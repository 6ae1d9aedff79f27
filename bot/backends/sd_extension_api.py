"""The face of the extension's middleware, whichever generation it is: jobs, models, endpoints.

What travels between the painter's rooms is defined here; `sd_extension_classic` and
`sd_extension_modern` are the two who speak. Source: contracts, aws 2.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from bot.backends.sd_extension_answers import failed, value_of
from bot.backends.sd_extension_http import Gate
from bot.backends.steward import IN_SERVICE, CheckpointState, EndpointState
from bot.errors import BackendBadAnswer, BackendError, BackendRefused
from bot.settings.aws import ExtensionSettings

TYPES: Final = ("Stable-diffusion", "embeddings", "Lora", "hypernetworks", "ControlNet", "VAE")
ACTIVE: Final = "Active"
REAL_TIME: Final = "Real-time"
CREATED, RUNNING = "created", "inprogress"
_ENDS: Final[Mapping[str, bool]] = {"succeed": True, "failed": False, "failure": False}
"""The oldest route says `failure` (aws 2.3); whatever else is said, it goes on."""
_ROLES: Final = ("IT Operator", "Designer")
"""The middleware makes these two by itself."""


@dataclass(frozen=True)
class Order:
    """A job as it is prepared. `models`: file names by type. `endpoint`: None lets them choose."""

    task: str
    models: Mapping[str, Sequence[str]]
    endpoint: str | None


@dataclass(frozen=True)
class Prepared:
    """A job that waits for its body at `upload_url`, for an hour."""

    id: str
    upload_url: str


@dataclass(frozen=True)
class Job:
    """How a job stands. `good` is None until its end; `trouble` is why it failed.

    `pictures` and `parameters` are presigned URLs, where the row itself holds them.
    """

    id: str
    status: str
    endpoint: str | None = None
    good: bool | None = None
    trouble: BackendError | None = None
    pictures: tuple[str, ...] | None = None
    parameters: str | None = None


@dataclass(frozen=True)
class Outputs:
    """Presigned URLs of what a job brought, the pictures in order."""

    pictures: tuple[str, ...]
    parameters: str | None


class Middleware(ABC):
    """One generation. All raise the errors of `sd_extension_answers.value_of`, and what
    `Http` raises."""

    generation: ClassVar[str]

    def __init__(self, gate: Gate, settings: ExtensionSettings) -> None:
        self.gate = gate
        self.settings = settings

    # Jobs.

    @abstractmethod
    async def ping(self, timeout: float) -> None:
        """The smallest question. `timeout` is in seconds."""

    @abstractmethod
    async def prepare(self, order: Order) -> Prepared:
        """A new job, that paints nothing yet."""

    @abstractmethod
    async def start(self, job_id: str) -> Job:
        """Has it painted; a job of a real-time endpoint is done then."""

    @abstractmethod
    async def job(self, job_id: str) -> Job:
        """How it stands. Raises UnknownJob."""

    @abstractmethod
    async def outputs(self, job: Job) -> Outputs:
        """Where the pictures of a good job are, by URLs of now."""

    # Models and machines.

    @abstractmethod
    async def models(self, *, usable: bool) -> list[dict[str, Any]]:
        """All rows of models, of all types; `usable`: the active ones."""

    @abstractmethod
    async def machines(self) -> list[dict[str, Any]]:
        """All rows of endpoints."""

    @abstractmethod
    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        """Begins to; the endpoint's full name."""

    @abstractmethod
    async def undeploy(self, name: str) -> None:
        """Deletes an endpoint; one that is not there is passed over."""

    @abstractmethod
    async def fetch_model(self, url: str, kind: str) -> None:
        """Has a model fetched from the web, which goes on after this."""

    @abstractmethod
    async def switch_model(self, row: CheckpointState, status: str) -> None:
        """Active or Disabled."""

    async def free_roles(self, roles: Sequence[str]) -> list[str]:
        """Those that have no endpoint yet: each may have one. Raises BackendRefused for none."""
        taken: set[str] = set()
        for row in await self.machines():
            if row.get("endpoint_status") != "Deleted":
                taken |= set(map(str, row.get("owner_group_or_role") or ()))
        free = [role for role in roles or _ROLES if role not in taken]
        if not free:
            raise BackendRefused(
                f"the roles {', '.join(roles or _ROLES)} have an endpoint each",
                sentence="There is an endpoint already, and the service allows one for each "
                "role. Take that one down first.",
            )
        return free

    # Sending.

    async def ask(
        self, method: str, path: str, body: object = None, *, timeout: float = 30.0
    ) -> Any:
        """The value of a question, or of an owner's order."""
        data = None if body is None else json.dumps(body).encode()
        return value_of(await self.gate.ask(method, path, data, timeout=timeout))

    async def order(self, method: str, path: str, body: object = None) -> Any:
        """The value of a request that goes before all questions."""
        data = None if body is None else json.dumps(body).encode()
        return value_of(await self.gate.paint(method, path, data))


def prepared(value: Any) -> Prepared:
    """From `inference{id, api_params_s3_upload_url}`."""
    held = value.get("inference") if isinstance(value, dict) else None
    if isinstance(held, dict):
        job_id, url = held.get("id"), held.get("api_params_s3_upload_url")
        if isinstance(job_id, str) and isinstance(url, str) and job_id and url:
            return Prepared(job_id, url)
    raise BackendBadAnswer("a prepared job without an id or a place for its body")


def id_of(value: Any) -> str:
    """`inference_id` beside or inside `inference` (aws 2.2), or the row's own key."""
    if isinstance(value, dict):
        inner = value.get("inference")
        places = (value, inner if isinstance(inner, dict) else {})
        for key in ("inference_id", "InferenceJobId", "id"):
            for place in places:
                if isinstance(place.get(key), str) and place[key]:
                    return str(place[key])
    raise BackendBadAnswer("an answer without the id of a job")


def job_of(value: Any) -> Job:
    """A row of `get-inference-job` or `/inferences/{id}`, or the answer to a start."""
    job_id = id_of(value)
    inner = value.get("inference") if isinstance(value.get("inference"), dict) else {}
    params = value.get("params") if isinstance(value.get("params"), dict) else {}
    # Beside `inference` there may be a code of that name (aws 2.2).
    status = str(inner.get("status") or value.get("status") or RUNNING)
    endpoint = params.get("sagemaker_inference_endpoint_name") or inner.get("endpoint_name")
    good = _ENDS.get(status)
    pictures, parameters = value.get("img_presigned_urls"), value.get("output_presigned_urls")
    return Job(
        id=job_id,
        status=status,
        endpoint=endpoint or value.get("endpoint_name"),
        good=good,
        trouble=failed(value.get("sagemakerRaw")) if good is False else None,
        pictures=tuple(texts(pictures)) if isinstance(pictures, list) else None,
        parameters=next(iter(texts(parameters)), None),
    )


def texts(value: Any) -> list[str]:
    """The strings of a list."""
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def rows(value: Any, key: str) -> list[dict[str, Any]]:
    """The rows of a listing, that is an object with them, or (in the document) a bare list."""
    listed = value.get(key) if isinstance(value, dict) else value
    if not isinstance(listed, list):
        raise BackendBadAnswer(f"a listing without {key}")
    return [row for row in listed if isinstance(row, dict)]


def endpoint_of(row: Mapping[str, Any]) -> EndpointState | None:
    """One endpoint; None for one without a name. Old rows have `status` in other words."""
    name = row.get("endpoint_name")
    if not isinstance(name, str) or not name:
        return None
    old = {"success": IN_SERVICE, "failed": "Failed", "deleted": "Deleted"}
    status = row.get("endpoint_status") or old.get(str(row.get("status")), "Creating")
    count = row.get("current_instance_count")
    return EndpointState(
        name=name,
        status=str(status),
        type=str(row.get("endpoint_type") or "Async"),
        instance_type=str(row["instance_type"]) if row.get("instance_type") else None,
        instances=int(str(count)) if str(count).isdecimal() else None,
        started_at=_seconds(row.get("startTime")),
        reason=str(row["error"]) if row.get("error") else None,
    )


def checkpoints_of(found: Iterable[Mapping[str, Any]]) -> list[CheckpointState]:
    """One for each file of each row; a row with several files is switched as one."""
    return [
        CheckpointState(str(row["id"]), name, str(row.get("type")), str(row.get("status")))
        for row in found
        if row.get("id")
        for name in texts(row.get("name"))
    ]


def moment(at: float) -> str:
    """A time (epoch seconds) as the rows hold it: `2023-07-04 09:14:21.170303`, in UTC."""
    return str(datetime.fromtimestamp(at, UTC).replace(tzinfo=None))


def _seconds(value: Any) -> float | None:
    """Back from `moment`; None for anything else."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def begun_between(
    found: Iterable[Mapping[str, Any]], task: str, first: float, last: float
) -> list[str]:
    """The ids of those rows of jobs, the newest first."""
    begun = [
        (began, str(row["InferenceJobId"]))
        for row in found
        if row.get("InferenceJobId") and row.get("taskType") == task
        if (began := _seconds(row.get("startTime"))) is not None and first <= began <= last
    ]
    return [job_id for _, job_id in sorted(begun, reverse=True)]
