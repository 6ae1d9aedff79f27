"""Endpoints and checkpoints in v1.3.0: flat answers, 200 whatever happens (contract aws, 2.4)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.answers import plain
from bot.demo.servers.extension.classic import ask, classic_event, known_user
from bot.demo.servers.extension.desk import DESK, Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.people import UnknownUser
from bot.demo.servers.extension.schema import body_of
from bot.demo.servers.extension.shelf import STATUSES, awaited, fetched, file_of
from bot.demo.servers.extension.tables import Endpoint, new_id

_CREATE_ENDPOINT: Final = Event(
    "CreateEndpointEvent",
    (
        "instance_type",
        "initial_instance_count",
        "autoscaling_enabled",
        "assign_to_roles",
        "creator",
    ),
    {"endpoint_name": ""},
)
_DELETE: Final = Event("DeleteEndpointEvent", ("delete_endpoint_list", "username"), {})
_CREATE: Final = Event("CreateCheckPointEvent", ("checkpoint_type", "filenames", "params"), {})
_UPDATE: Final = Event("UpdateCheckPointEvent", ("checkpoint_id", "status", "multi_parts_tags"), {})
_UPLOAD: Final = Event("UploadCheckPointEvent", ("checkpointType", "modelUrl", "params"), {})
_NO_RIGHT: Final = "user has no permissions to create a model"


def routes() -> list[web.RouteDef]:
    """The routes of this room, without the stage."""
    return [
        web.get("/endpoints", list_endpoints),
        web.post("/endpoints", create_endpoint),
        web.delete("/endpoints", delete_endpoints),
        web.get("/inference/get-endpoint-deployment-job", get_endpoint),
        web.get("/checkpoints", list_checkpoints),
        web.post("/checkpoint", create_checkpoint),
        web.put("/checkpoint", update_checkpoint),
        web.post("/upload_checkpoint", upload_checkpoint),
    ]


async def list_endpoints(request: web.Request) -> web.Response:
    """All endpoints, deleted ones too; a user without rights sees none."""
    desk = request.app[DESK]
    may = desk.people.may(known_user(desk, request))
    wanted = request.query.get("endpointDeploymentJobId")
    rows = [row for row in desk.tables.endpoints if wanted in (None, row.id)]
    shown = [row.row(desk.generation) for row in rows] if may else []
    return plain({"statusCode": 200, "endpoints": shown})


async def create_endpoint(request: web.Request) -> web.Response:
    """Deploy; it takes a while. 200 also on failure."""
    desk = request.app[DESK]
    known_user(desk, request)
    asked = classic_event(_CREATE_ENDPOINT, await body_of(request, desk.generation))
    creator, roles = asked["creator"], asked["assign_to_roles"]
    try:
        if not desk.people.may(creator):
            words = f"Creator {creator} has no permission to create Sagemaker"
            return plain({"statusCode": 400, "errMsg": words})
    except UnknownUser as error:
        return plain({"statusCode": 200, "message": str(error)})
    for row in desk.tables.endpoints:
        for role in set(roles) & set(row.owner) if row.status == "InService" else ():
            words = f"role [{role}] has a valid endpoint already, not allow to have another one"
            return plain({"statusCode": 400, "errMsg": words})
    endpoint_id = new_id()
    row = Endpoint(
        name=f"infer-endpoint-{asked['endpoint_name'] or endpoint_id[:7]}",
        status="Creating",
        owner=roles,
        instance_type=asked["instance_type"],
        instances="0",
        max_instances=str(asked["initial_instance_count"]),
        autoscaling=asked["autoscaling_enabled"],
        id=endpoint_id,
    )
    desk.tables.endpoints.append(row)
    desk.sagemaker.deploy(row)
    words = f"Endpoint deployment started: {row.name}"
    return plain({"statusCode": 200, "message": words, "data": row.row(desk.generation)})


async def delete_endpoints(request: web.Request) -> web.Response:
    """Delete by names; unknown ones are passed over. Rows stay, as Deleted."""
    desk = request.app[DESK]
    known_user(desk, request)
    asked = classic_event(_DELETE, await body_of(request, desk.generation))
    name = asked["username"]
    try:
        allowed = desk.people.may(name)
    except UnknownUser as error:
        return plain(f"error deleting sagemaker endpoint with exception: {error}")
    if not allowed:
        words = f"User {name} has no permission to delete a Sagemaker endpoint"
        return plain({"statusCode": 400, "errMsg": words})
    for row in desk.tables.endpoints:
        if row.name in asked["delete_endpoint_list"]:
            row.status, row.instances = "Deleted", "0"
    return plain("Endpoint deleted")


async def get_endpoint(request: web.Request) -> web.Response:
    """One row by the id of its deployment; ``{}`` for an unknown one."""
    desk = request.app[DESK]
    wanted = request.query.get("jobID")
    found = next((row for row in desk.tables.endpoints if row.id == wanted), None)
    if found is None:
        return plain({})
    row = found.row(desk.generation)
    return plain({key: value for key, value in row.items() if value is not None})


async def list_checkpoints(request: web.Request) -> web.Response:
    """Checkpoints of the types and statuses asked for, without pages."""
    desk = request.app[DESK]
    may = desk.people.may(known_user(desk, request))
    name = request.query.get("username")
    if name:
        ask(desk.people.roles, name)
    types, statuses = request.query.getall("types", []), request.query.getall("status", [])
    rows = [
        row.row(desk.generation, desk.tables.bucket)
        for row in desk.tables.checkpoints
        if may and row.type in (types or [row.type]) and row.status in (statuses or [row.status])
    ]
    return plain({"statusCode": 200, "checkpoints": rows})


async def create_checkpoint(request: web.Request) -> web.Response:
    """A row that waits for its files, and URLs to put them."""
    desk = request.app[DESK]
    asked = classic_event(_CREATE, await body_of(request, desk.generation))
    if not asked["filenames"]:
        words = "no checkpoint name (file names) detected"
        return plain({"statusCode": 400, "errMsg": words})
    if not _creator(desk, asked["params"]):
        return plain({"statusCode": 400, "errMsg": _NO_RIGHT})
    row, urls = awaited(desk, asked)
    shown = row.brief(desk.tables.bucket)
    return plain({"statusCode": 200, "checkpoint": shown, "s3PresignUrl": urls})


async def update_checkpoint(request: web.Request) -> web.Response:
    """Change the status; the answer still shows the one before."""
    desk = request.app[DESK]
    asked = classic_event(_UPDATE, await body_of(request, desk.generation))
    row = desk.tables.checkpoint(asked["checkpoint_id"])
    if row is None:
        words = f"checkpoint not found with id {asked['checkpoint_id']}"
        return plain({"statusCode": 500, "error": words})
    if asked["status"] not in STATUSES:
        return plain({"statusCode": 500, "msg": repr(asked["status"])})
    shown = row.brief(desk.tables.bucket)
    row.status = asked["status"]
    return plain({"statusCode": 200, "checkpoint": shown})


async def upload_checkpoint(request: web.Request) -> web.Response:
    """Fetch models from the web, all files of one body into one row; the caller waits."""
    desk = request.app[DESK]
    asked = classic_event(_UPLOAD, await body_of(request, desk.generation))
    if not _creator(desk, asked["params"]):
        return plain({"statusCode": 400, "errMsg": _NO_RIGHT})
    names = [file_of(url) for url in asked["modelUrl"]]
    bad = [url for url, name in zip(asked["modelUrl"], names, strict=True) if not name]
    if bad:
        return plain({"statusCode": 500, "error": f"contains invalid urls:{bad}"})
    row = fetched(asked["checkpointType"], [name for name in names if name], asked["params"])
    desk.tables.checkpoints.append(row)
    return plain({"statusCode": 200, "checkpoint": row.brief(desk.tables.bucket)})


def _creator(desk: Desk, params: dict[str, Any]) -> bool:
    """Whether the body names a creator with rights; raises ``LambdaError`` for a stranger."""
    name = params.get("creator")
    return bool(name) and ask(desk.people.may, name)
