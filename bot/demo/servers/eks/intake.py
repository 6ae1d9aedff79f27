"""The two lambdas behind the gateway: they check a request, and publish it to SNS.

Their checks are few and their order odd, and what breaks them is answered in the words of
Python itself by the old release (contract aws, 1.2, 1.3 and 1.7).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.demo.servers.eks.runtime import Api, Release

SNS_LIMIT: Final = 262_144
"""Bytes of one message, ASCII with escapes (contract aws, 1.7)."""
_LARGEST_PAYLOAD: Final = 1024 * 1024
_TASK_TYPES: Final = ("text-to-image", "image-to-image", "extra-single-image")
_TOO_LONG: Final = (
    "An error occurred (InvalidParameter) when calling the Publish operation: "
    "Invalid parameter: Message too long"
)
Json = dict[str, Any]


class Disliked(Exception):
    """400; the text is the whole body, and no JSON."""


class _Incorrect(Exception):
    """The lambda's own checks found something."""


@dataclass(frozen=True)
class Message:
    """What SNS hands on: ``text`` is JSON, ``runtime`` or ``checkpoint`` what queues filter on."""

    text: str
    runtime: str | None = None
    checkpoint: str | None = None


@dataclass(frozen=True)
class Accepted:
    """A published task: ``task`` is its metadata and content, ``answer`` the 200's object."""

    message: Message
    task: Json
    answer: Json


def take(api: Api, release: Release, body: str | None, bucket: str) -> Accepted:
    """What becomes of a request's body; None is an empty one. Raises ``Disliked``."""
    try:
        if api == "v1alpha2":
            return _v1alpha2(release, json.loads(body)["task"], bucket)  # type: ignore[arg-type]
        return _v1alpha1(release, json.loads(body), bucket)  # type: ignore[arg-type]
    except _Incorrect as error:
        raise Disliked(f"Incorrect payload structure, {error}") from error
    except Exception as error:
        # Whatever it is: so do the lambdas.
        raise Disliked(str(error) if release == "old" else "Invalid request format") from error


def _v1alpha2(release: Release, task: Any, bucket: str) -> Accepted:
    _check(_old_v1alpha2(task) if release == "old" else _new_v1alpha2(task))
    metadata = task["metadata"]
    name, runtime, prefix = metadata["id"], metadata["runtime"], metadata["prefix"]
    message = Message(_published(task, "runtime", runtime), runtime=runtime)
    location = f"s3://{bucket}/{prefix}/{name}"
    return Accepted(message, task, {"id": name, "runtime": runtime, "output_location": location})


def _v1alpha1(release: Release, body: Any, bucket: str) -> Accepted:
    _check(_old_v1alpha1(body) if release == "old" else _new_v1alpha1(body))
    scripts = body["alwayson_scripts"]
    kind, name, checkpoint = scripts["task"], scripts["id_task"], scripts["sd_model_checkpoint"]
    prefix = scripts["save_dir"]
    metadata = {"id": name, "runtime": "legacy", "tasktype": kind, "prefix": prefix, "context": {}}
    content = {**body, "s3_output_path": f"{bucket}/{prefix}/{name}"}
    task = {"metadata": metadata, "content": content}
    message = Message(_published(task, "sd_model_checkpoint", checkpoint), checkpoint=checkpoint)
    location = f"s3://{bucket}/{prefix}/{name}"
    answer = {"id_task": name, "sd_model_checkpoint": checkpoint, "output_location": location}
    return Accepted(message, task, answer)


def _published(task: Json, attribute: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(
            "Parameter validation failed:\nInvalid type for parameter "
            f"MessageAttributes.{attribute}.StringValue, value: {value}, "
            f"type: {type(value)}, valid types: <class 'str'>"
        )
    text = json.dumps(task)
    if len(text) > SNS_LIMIT:
        raise ValueError(_TOO_LONG)
    return text


def _check(problem: str | None) -> None:
    if problem is not None:
        raise _Incorrect(problem)


def _old_v1alpha2(task: Any) -> str | None:
    problem = None
    if "metadata" not in task.keys():  # noqa: SIM118 - of a list, this must break
        problem = "metadata is missing"
    else:
        problem = _last_missing(task["metadata"], ("id", "runtime", "tasktype"))
    return problem if "content" in task else "content is missing"


def _new_v1alpha2(task: Any) -> str | None:
    if len(json.dumps(task)) > _LARGEST_PAYLOAD:
        return "payload too large"
    problem = None
    if "metadata" not in task.keys():  # noqa: SIM118 - of a list, this must break
        problem = "metadata is missing"
    else:
        metadata = task["metadata"]
        if not _is_name(metadata.get("id", "")):
            problem = "invalid id format"
        if metadata.get("tasktype", "") not in _TASK_TYPES:
            problem = "invalid tasktype"
        if not _is_name(metadata.get("runtime", "")):
            problem = "invalid runtime format"
    return problem if "content" in task else "content is missing"


def _old_v1alpha1(body: Any) -> str | None:
    if "alwayson_scripts" not in body.keys():  # noqa: SIM118 - of a list, this must break
        return "alwayson_scripts is missing"
    return _last_missing(body["alwayson_scripts"], ("task", "sd_model_checkpoint", "id_task"))


def _new_v1alpha1(body: Any) -> str | None:
    if len(json.dumps(body)) > _LARGEST_PAYLOAD:
        return "payload too large"
    if "alwayson_scripts" not in body.keys():  # noqa: SIM118 - of a list, this must break
        return "alwayson_scripts is missing"
    scripts = body["alwayson_scripts"]
    problem = _last_missing(scripts, ("sd_model_checkpoint",))
    if not _is_name(scripts.get("id_task", "")):
        problem = "invalid id_task format"
    if scripts.get("task", "") not in _TASK_TYPES:
        problem = "invalid task type"
    return problem


def _last_missing(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Each check overwrites what the one before it found."""
    missing = [name for name in names if name not in fields.keys()]  # noqa: SIM118 - as above
    return f"{missing[-1]} is missing" if missing else None


def _is_name(value: object) -> bool:
    """Letters, digits, hyphens and underscores, at least one of the first two."""
    return isinstance(value, str) and value.replace("-", "").replace("_", "").isalnum()
