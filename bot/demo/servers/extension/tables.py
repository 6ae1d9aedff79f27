"""The rows of the middleware's tables: endpoints, checkpoints, inference jobs.

Each row knows how the two generations list it (contract aws, 2.2 and 2.4). Tests may change rows
while the server runs: ``server.endpoint("...").status = "Updating"``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bot.demo.servers.extension.generation import Generation
from bot.demo.servers.sdapi import catalogue

Row = dict[str, Any]
TYPES: Final = ("Stable-diffusion", "embeddings", "Lora", "hypernetworks", "ControlNet", "VAE")
SIMPLE_TASKS: Final = ("txt2img", "img2img")
EXTRA_TASKS: Final = ("extra-single-image", "extra-batch-images", "rembg")
REAL_TIME: Final = "Real-time"
DEFAULT_ENDPOINT: Final = "infer-endpoint-demo"
_MORE_MODELS: Final = (
    *("v1-5-pruned-emaonly", "realisticVisionV51", "majicmixRealistic_v7", "meinamix_v11"),
    *("counterfeitV30", "juggernautXL_v9", "deliberate_v2"),
)


def now() -> str:
    """The lambda's clock, ``2023-07-04 09:14:21.170303``, in UTC and without saying so."""
    return str(datetime.now(UTC).replace(tzinfo=None))


def new_id() -> str:
    """An id as the lambdas make them: a random UUID."""
    return str(uuid.uuid4())


@dataclass
class Endpoint:
    """One SageMaker endpoint. ``status`` is SageMaker's spelling, ``owner`` are roles or users."""

    name: str
    status: str = "InService"
    type: str = "Async"
    owner: Sequence[str] = ("Designer",)
    error: str | None = None
    service: str = "sd"
    instance_type: str = "ml.g5.2xlarge"
    instances: str = "1"
    min_instances: str = "0"
    max_instances: str = "1"
    autoscaling: bool = False
    started: str = field(default_factory=now)
    ended: str | None = None
    id: str = field(default_factory=new_id)

    def row(self, generation: Generation) -> Row:
        """As the listing shows it; what is unknown is null."""
        row = {
            "EndpointDeploymentJobId": self.id,
            "autoscaling": self.autoscaling,
            "max_instance_number": self.max_instances,
            "startTime": self.started,
            "status": None,
            "current_instance_count": self.instances,
            "endTime": self.ended,
            "endpoint_status": self.status,
            "endpoint_name": self.name,
            "error": self.error,
            "owner_group_or_role": list(self.owner),
        }
        if generation.classic:
            return row
        return row | {
            "endpoint_type": self.type,
            "instance_type": self.instance_type,
            "min_instance_number": self.min_instances,
            "custom_extensions": "",
            "service_type": self.service,
        }


@dataclass
class Checkpoint:
    """One model of any type. ``names`` are files; ``created`` is in seconds since 1970."""

    type: str
    names: Sequence[str]
    status: str = "Active"
    params: Row = field(default_factory=dict)
    owner: Sequence[str] = ("*",)
    created: float = field(default_factory=time.time)
    id: str = field(default_factory=new_id)

    @property
    def folder(self) -> str:
        """Where its files are in the bucket."""
        return f"{self.type}/checkpoint/custom/{self.id}"

    def row(self, generation: Generation, bucket: str) -> Row:
        """As the listing shows it; the second generation has the time as a string."""
        row = {
            "id": self.id,
            "s3Location": f"s3://{bucket}/{self.folder}",
            "type": self.type,
            "status": self.status,
            "name": list(self.names),
            "created": self.created if generation.classic else str(self.created),
            "allowed_roles_or_users": list(self.owner),
        }
        if generation.classic:
            return row
        return row | {"params": self.params, "source_path": None, "target_path": None}

    def brief(self, bucket: str) -> Row:
        """As the answers to "create" and "update" show it."""
        return {
            "id": self.id,
            "type": self.type,
            "s3_location": f"s3://{bucket}/{self.folder}",
            "status": self.status,
            "params": self.params,
        }

    def used(self, bucket: str) -> Row:
        """As a job's ``used_models`` names it; a VAE without a row has no status either."""
        place = f"s3://{bucket}/{self.folder}" if self.status else "None"
        return {"id": self.id, "model_name": self.names[0], "s3": place, "type": self.type}


@dataclass
class Job:
    """One inference job. ``payload`` is the sdapi body as a string, where it came with the job."""

    task: str
    endpoint: Endpoint
    user: str
    models: Sequence[Checkpoint]
    bucket: str
    kind: str | None = None
    payload: str | None = None
    status: str = "created"
    created: str = field(default_factory=now)
    started: str | None = None
    completed: str | None = None
    upload_url: str | None = None
    output_path: str | None = None
    image_names: list[str] = field(default_factory=list)
    info_name: str | None = None
    raw: str | None = None
    id: str = field(default_factory=new_id)

    @property
    def input_key(self) -> str:
        """Where the sdapi body is awaited in the bucket."""
        return f"{self.task}/infer_v2/{self.id}/api_param.json"

    @property
    def param_key(self) -> str:
        """Where parameters and ``info`` of a finished job are in the bucket."""
        return f"out/{self.id}/result/{self.id}_param.json"

    @property
    def checkpoint(self) -> str | None:
        """The file of the model that paints: the first of its type."""
        models = [row for row in self.models if row.type == "Stable-diffusion"]
        return models[0].names[0] if models else None

    @property
    def params(self) -> Row:
        """``params`` of the row."""
        params: Row = {
            "input_body_s3": f"s3://{self.bucket}/{self.input_key}",
            "input_body_presign_url": self.upload_url,
            "sagemaker_inference_endpoint_id": self.endpoint.id,
            "sagemaker_inference_endpoint_name": self.endpoint.name,
        }
        if self.task in SIMPLE_TASKS:
            used: dict[str, list[Row]] = {}
            for model in self.models:
                used.setdefault(model.type, []).append(model.used(self.bucket))
            params["used_models"] = used
        if self.kind is not None:
            params["sagemaker_inference_instance_type"] = self.endpoint.instance_type
        return params | ({"output_path": self.output_path} if self.output_path else {})

    def row(self) -> Row:
        """As DynamoDB keeps it: what does not exist yet is absent. ``kind`` tells the generation.

        The first generation has no time of creation; its start is the time of preparing.
        """
        row = {
            "InferenceJobId": self.id,
            "status": self.status,
            "taskType": self.task,
            "owner_group_or_role": [self.user],
            "startTime": self.created if self.kind is None else self.started,
            "createTime": None if self.kind is None else self.created.replace(" ", "T"),
            "completeTime": self.completed,
            "inference_type": self.kind,
            "payload_string": self.payload,
            "image_names": list(self.image_names) or None,
            "inference_info_name": self.info_name,
            "sagemakerRaw": self.raw,
        }
        return {key: value for key, value in row.items() if value is not None} | {
            "params": self.params
        }


@dataclass
class Tables:
    """All rows. ``submitted`` has one dict per job that began at SageMaker."""

    bucket: str
    endpoints: list[Endpoint]
    checkpoints: list[Checkpoint]
    jobs: dict[str, Job] = field(default_factory=dict)
    submitted: list[Row] = field(default_factory=list)

    def checkpoint(self, checkpoint_id: object) -> Checkpoint | None:
        """The checkpoint with this id, or None."""
        return next((row for row in self.checkpoints if row.id == checkpoint_id), None)

    def usable(self, kind: str, name: str) -> Checkpoint | None:
        """The active checkpoint with a file of this name; a VAE may be none or automatic."""
        if kind == "VAE" and name in ("None", "Automatic"):
            return Checkpoint(kind, (name,), status="", id=kind)
        for row in self.checkpoints:
            if row.status == "Active" and row.type == kind and name in row.names:
                return row
        return None


def default_checkpoints() -> list[Checkpoint]:
    """Enough models that a listing has a second page, one of each status, all six types."""
    started = time.time() - 86_400
    files = {
        "Stable-diffusion": [f"{name}.safetensors" for name in catalogue.MODELS + _MORE_MODELS],
        "Lora": [f"{name}.safetensors" for name in catalogue.LORAS],
        "embeddings": [f"{name}.pt" for name in catalogue.EMBEDDINGS],
        "hypernetworks": ["ink_wash.pt"],
        "ControlNet": ["control_v11p_sd15_canny.pth", "control_v11p_sd15_openpose.pth"],
        "VAE": list(catalogue.VAES),
    }
    rows = [(kind, name, "Active") for kind in TYPES for name in files[kind]]
    rows.append(("Stable-diffusion", "half_uploaded.safetensors", "Initial"))
    rows.append(("Stable-diffusion", "retired_v1.safetensors", "Disabled"))
    return [
        Checkpoint(kind, (name,), status, created=started + 60.25 * index)
        for index, (kind, name, status) in enumerate(rows)
    ]


def default_endpoints(generation: Generation) -> list[Endpoint]:
    """One that takes jobs, and since v1.5 a real-time one."""
    rows = [Endpoint(DEFAULT_ENDPOINT)]
    if not generation.classic:
        rows.append(Endpoint("sd-real-time-demo", type=REAL_TIME))
    return rows
