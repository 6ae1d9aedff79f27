"""Endpoints, checkpoints and users in v1.5 to v1.7: pages, rights, real codes (contract, 2.4)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.answers import Refused
from bot.demo.servers.extension.desk import DESK, Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.modern import known, modern_event, number, paged
from bot.demo.servers.extension.people import UnknownUser
from bot.demo.servers.extension.schema import Model, body_of
from bot.demo.servers.extension.shelf import STATUSES, awaited, fetched, file_of
from bot.demo.servers.extension.tables import REAL_TIME, Endpoint, new_id

_ENDPOINT: Final = Event(
    "CreateEndpointEvent",
    ("instance_type", "autoscaling_enabled", "assign_to_roles", "initial_instance_count"),
    {
        "max_instance_number": "1",
        "min_instance_number": "0",
        "endpoint_name": None,
        "endpoint_type": None,
        "custom_docker_image_uri": None,
        "custom_extensions": "",
        "service_type": "sd",
        "creator": "",
    },
)
_ENDPOINT_MODEL: Final = Model(
    required=(*_ENDPOINT.required, "endpoint_type"),
    types={
        "instance_type": str,
        "endpoint_type": str,
        "initial_instance_count": int,
        "autoscaling_enabled": bool,
        "assign_to_roles": list,
    },
    enums={"endpoint_type": (REAL_TIME, "Async"), "service_type": ("sd", "comfy")},
)
_GONE_MODEL: Final = Model(required=("endpoint_name_list",), types={"endpoint_name_list": list})
_CHECKPOINT: Final = Event(
    "CreateCheckPointEvent",
    ("checkpoint_type", "params"),
    {"filenames": None, "urls": None, "source_path": None, "target_path": None},
)
_CHECKPOINT_MODEL: Final = Model(
    required=("checkpoint_type",), types={"checkpoint_type": str, "urls": list, "filenames": list}
)
_UPDATE: Final = Event(
    "UpdateCheckPointEvent", (), {"name": None, "status": None, "multi_parts_tags": None}
)
_DELETE_MODEL: Final = Model(required=("checkpoint_id_list",), types={"checkpoint_id_list": list})


def routes() -> list[web.RouteDef]:
    """The routes of this room, without the stage."""
    return [
        web.get("/endpoints", list_endpoints),
        web.post("/endpoints", create_endpoint),
        web.delete("/endpoints", delete_endpoints),
        web.get("/checkpoints", list_checkpoints),
        web.post("/checkpoints", create_checkpoint),
        web.put("/checkpoints/{id}", update_checkpoint),
        web.delete("/checkpoints", delete_checkpoints),
        web.get("/users", list_users),
    ]


async def list_endpoints(request: web.Request) -> web.Response:
    """Endpoints, ``limit`` (10) at a time; within a page the newest first."""
    desk, query = request.app[DESK], request.query
    desk.people.permitted(request.headers, "sagemaker_endpoint:all", "sagemaker_endpoint:list")
    limit = number(query.get("limit", "10"))
    name = query.get("username")
    if name:
        known(desk, name)
    page, last = paged(desk.tables.endpoints, limit, query.get("exclusive_start_key"))
    rows = [row.row(desk.generation) for row in page]
    rows.sort(key=lambda row: str(row["startTime"]), reverse=True)
    return desk.ok(200, {"endpoints": rows, "last_evaluated_key": last}, "OK")


async def create_endpoint(request: web.Request) -> web.Response:
    """Deploy; it takes a while. A role may have one endpoint."""
    desk = request.app[DESK]
    asked = modern_event(_ENDPOINT, await body_of(request, desk.generation, _ENDPOINT_MODEL))
    desk.people.permitted(request.headers, "sagemaker_endpoint:all", "sagemaker_endpoint:create")
    _check_counts(asked)
    for row in desk.tables.endpoints:
        for role in set(asked["assign_to_roles"]) & set(row.owner):
            words = f"role [{role}] has a valid endpoint already, not allow to have another one"
            raise Refused(400, words)
    endpoint_id, service, kind = new_id(), asked["service_type"], asked["endpoint_type"]
    row = Endpoint(
        name=f"{service}-{kind.lower()}-{asked['endpoint_name'] or endpoint_id[:7]}",
        status="Creating",
        type=kind,
        owner=asked["assign_to_roles"],
        service=service,
        instance_type=asked["instance_type"],
        instances="0",
        min_instances=str(asked["min_instance_number"]),
        max_instances=str(asked["max_instance_number"]),
        autoscaling=asked["autoscaling_enabled"],
        id=endpoint_id,
    )
    desk.tables.endpoints.append(row)
    desk.sagemaker.deploy(row)
    return desk.ok(202, row.row(desk.generation), f"Endpoint deployment started: {row.name}")


async def delete_endpoints(request: web.Request) -> web.Response:
    """Delete by names, rows too; unknown ones are passed over."""
    desk = request.app[DESK]
    asked = await body_of(request, desk.generation, _GONE_MODEL)
    gone = asked["endpoint_name_list"]
    desk.tables.endpoints[:] = [row for row in desk.tables.endpoints if row.name not in gone]
    return desk.ok(204, None, "Endpoints Deleted")


async def list_checkpoints(request: web.Request) -> web.Response:
    """Checkpoints by type, status and role, ``per_page`` (10) at a time, the newest first.

    ``pages`` is one too many when the last page is full, as in the original.
    """
    desk, query = request.app[DESK], request.query
    desk.people.permitted(request.headers, "checkpoint:all", "checkpoint:list")
    page, per_page = number(query.get("page", "1")), number(query.get("per_page", "10"))
    if per_page == 0:
        raise Refused(400, "division by zero")
    if query.get("username"):
        known(desk, query["username"])
    types, statuses = query.getall("types", []), query.getall("status", [])
    roles = set(query.getall("roles", []))
    found = [
        row
        for row in desk.tables.checkpoints
        if row.type in (types or [row.type])
        and row.status in (statuses or [row.status])
        and (not roles or roles & set(row.owner))
    ]
    found.sort(key=lambda row: row.created, reverse=True)
    shown = found[(page - 1) * per_page : page * per_page]
    data = {
        "page": page,
        "per_page": per_page,
        "pages": int(len(found) / per_page) + 1 if found else 0,
        "total": len(found),
        "checkpoints": [row.row(desk.generation, desk.tables.bucket) for row in shown],
    }
    return desk.ok(200, data, "OK")


async def create_checkpoint(request: web.Request) -> web.Response:
    """By ``urls`` (202, the rows come later), or by ``filenames`` to be put (201)."""
    desk = request.app[DESK]
    asked = modern_event(_CHECKPOINT, await body_of(request, desk.generation, _CHECKPOINT_MODEL))
    urls, files = asked["urls"] or [], asked["filenames"] or []
    names = [file_of(url) or url.rpartition("/")[2] for url in urls]
    _check_unique(desk, names + [file["filename"] for file in files])
    if urls:
        for url in dict.fromkeys(urls):
            desk.background.spawn(_fetch(desk, asked, url))
        return desk.ok(202, None, "Checkpoint creation in progress, please check later")
    if not files:
        raise Refused(400, "no checkpoint name (file names) detected")
    if not _may_create(desk, asked["params"]):
        raise Refused(400, "user has no permissions to create a model")
    row, presigned = awaited(desk, asked)
    shown = row.brief(desk.tables.bucket)
    return desk.ok(201, {"checkpoint": shown, "s3PresignUrl": presigned}, "Created")


async def update_checkpoint(request: web.Request) -> web.Response:
    """A new status (with the parts that were put), or a new name for an active one.

    The answer to a new status still shows the one before.
    """
    desk, wanted = request.app[DESK], request.match_info["id"]
    asked = modern_event(_UPDATE, await body_of(request, desk.generation))
    row = desk.tables.checkpoint(wanted)
    if row is None:
        raise Refused(404, f"checkpoint not found with id {wanted}")
    if asked["status"]:
        if not asked["multi_parts_tags"]:
            raise Refused(400, "multi parts tags is empty")
        if asked["status"] not in STATUSES:
            raise Refused(400, repr(asked["status"]))
        shown = row.brief(desk.tables.bucket)
        row.status = asked["status"]
        return desk.ok(200, {"checkpoint": shown}, "OK")
    if not asked["name"]:
        return desk.ok(200, None, "OK")
    if row.status != "Active":
        raise Refused(400, "only active can update name")
    if asked["name"] == row.names[0]:
        return desk.ok(200, None, "no need to update")
    _check_unique(desk, [asked["name"]])
    row.names = [asked["name"], *row.names[1:]]
    return desk.ok(202, None, "rename is processing, please wait")


async def delete_checkpoints(request: web.Request) -> web.Response:
    """Delete by ids; unknown ones are passed over."""
    desk = request.app[DESK]
    gone = (await body_of(request, desk.generation, _DELETE_MODEL))["checkpoint_id_list"]
    desk.tables.checkpoints[:] = [row for row in desk.tables.checkpoints if row.id not in gone]
    return desk.ok(204, None, "checkpoints deleted")


async def list_users(request: web.Request) -> web.Response:
    """Everybody, with what he may."""
    desk = request.app[DESK]
    desk.people.permitted(request.headers, "user:all", "user:list")
    return desk.ok(200, {"users": desk.people.listed(), "last_evaluated_key": None}, "OK")


def _check_counts(asked: dict[str, Any]) -> None:
    name, least = asked["endpoint_name"], 1 if asked["endpoint_type"] == REAL_TIME else 0
    if asked["initial_instance_count"] < 1:
        raise Refused(400, f"initial_instance_count should be at least 1: {name}")
    if asked["autoscaling_enabled"] and int(asked["min_instance_number"]) < least:
        kind = asked["endpoint_type"].lower()
        words = f"min_instance_number should be at least {least} for {kind} endpoint: {name}"
        raise Refused(400, words)


def _check_unique(desk: Desk, names: list[str]) -> None:
    known = {name for row in desk.tables.checkpoints for name in row.names}
    for name in names:
        if name.strip() in known:
            words = f"{name} already exists, please use another or rename/delete exists"
            raise Refused(400, words)


def _may_create(desk: Desk, params: dict[str, Any]) -> bool:
    try:
        return "creator" in params and desk.people.may(params["creator"])
    except UnknownUser as error:
        raise Refused(400, str(error)) from error


async def _fetch(desk: Desk, asked: dict[str, Any], url: str) -> None:
    """What the second lambda does: nobody hears of it if the model or the right is missing."""
    await asyncio.sleep(desk.upload_seconds)
    name, creator = file_of(url), asked["params"].get("creator")
    if name and creator in desk.people.users:
        row = fetched(asked["checkpoint_type"], [name], asked["params"])
        desk.tables.checkpoints.append(row)
