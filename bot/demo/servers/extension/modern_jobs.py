"""Inference in v1.5 to v1.7: create, upload, start, look, list, delete (contract aws, 2.4)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.answers import Refused
from bot.demo.servers.extension.desk import DESK, Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.instances import ModelError
from bot.demo.servers.extension.modern import modern_event, number, owned, paged
from bot.demo.servers.extension.preparing import Unprepared, Wanted, models_of
from bot.demo.servers.extension.schema import Model, body_of, loaded
from bot.demo.servers.extension.tables import REAL_TIME, SIMPLE_TASKS, Job, Row, now

_CREATE: Final = Event(
    "CreateInferenceEvent",
    ("task_type", "models"),
    {
        "sagemaker_endpoint_name": "",
        "inference_type": None,
        "filters": None,
        "user_id": "",
        "payload_string": None,
        "workflow": None,
    },
)
_CREATE_MODEL: Final = Model(
    required=("task_type", "inference_type", "models"),
    types={"task_type": str, "inference_type": str, "models": dict, "payload_string": str},
    enums={"inference_type": (REAL_TIME, "Async")},
)
_DELETE_MODEL: Final = Model(required=("inference_id_list",), types={"inference_id_list": list})
_ABSENT_IN_LISTS: Final[Row] = {
    "payload_string": "{}",
    "sagemakerRaw": {},
    "image_names": [],
    "inference_info_name": "",
    "workflow": None,
    "startTime": "",
    "completeTime": None,
}


def routes() -> list[web.RouteDef]:
    """The routes of this room, without the stage."""
    return [
        web.get("/ping", ping),
        web.post("/inferences", create),
        web.put("/inferences/{id}/start", start),
        web.get("/inferences/{id}", get_one),
        web.get("/inferences", list_some),
        web.delete("/inferences", delete),
    ]


async def ping(request: web.Request) -> web.Response:
    """Whether the key is right."""
    return request.app[DESK].ok(200, None, "pong")


async def create(request: web.Request) -> web.Response:
    """A row and a URL for the sdapi body; with ``payload_string`` the job starts at once."""
    desk = request.app[DESK]
    body = await body_of(request, desk.generation, _CREATE_MODEL)
    asked = modern_event(_CREATE, body)
    payload = asked["payload_string"]
    if payload and not await _is_json(payload):
        raise Refused(400, "payload_string must be valid json string")
    user = desk.people.permitted(request.headers, "inference:all", "inference:create")
    job = _prepared(desk, asked, user)
    if payload:
        return await _started(desk, job)
    return desk.ok(201, {"inference": _shown(job)}, "Created")


async def start(request: web.Request) -> web.Response:
    """Invoke the endpoint: 202, or 200 with the finished job if it is a real-time one."""
    desk, wanted = request.app[DESK], request.match_info["id"]
    desk.people.permitted(request.headers, "inference:all")
    job = desk.tables.jobs.get(wanted)
    if job is None:
        raise Refused(400, f"InferenceJobId {wanted} not found")
    return await _started(desk, job)


async def get_one(request: web.Request) -> web.Response:
    """One job with URLs for an hour; nobody is asked who he is."""
    desk, wanted = request.app[DESK], request.match_info["id"]
    job = desk.tables.jobs.get(wanted)
    if job is None:
        raise Refused(404, f"inference with id {wanted} not found")
    return desk.ok(200, _whole(desk, job), "OK")


async def list_some(request: web.Request) -> web.Response:
    """Jobs of one task, the newest first, ``limit`` at a time."""
    desk, query = request.app[DESK], request.query
    limit = number(query.get("limit", "10"))
    rows = [job for job in desk.tables.jobs.values() if job.task == query.get("type", "txt2img")]
    rows.sort(key=lambda job: job.created, reverse=True)
    page, last = paged(rows, limit, query.get("exclusive_start_key"))
    name = query.get("username")
    if name:
        page = [job for job in page if owned(desk, name, [job.user])]
    shown = [{**_ABSENT_IN_LISTS, **job.row()} for job in page]
    return desk.ok(200, {"inferences": shown, "last_evaluated_key": last}, "OK")


async def delete(request: web.Request) -> web.Response:
    """Forget jobs with what went in and came out; unknown ids are passed over."""
    desk = request.app[DESK]
    asked = await body_of(request, desk.generation, _DELETE_MODEL)
    for wanted in set(asked["inference_id_list"]):
        job = desk.tables.jobs.pop(wanted, None)
        if job is not None:
            await desk.s3.delete(job.input_key)
            if job.output_path:
                await desk.s3.delete(job.output_path.removeprefix(f"s3://{job.bucket}/"))
    return desk.ok(204, None, "inferences deleted")


def _prepared(desk: Desk, asked: dict[str, Any], user: str) -> Job:
    endpoint, kind = asked["sagemaker_endpoint_name"], asked["inference_type"]
    payload = asked["payload_string"]
    wanted = Wanted(asked["task_type"], asked["models"], endpoint, user, kind, payload)
    try:
        job = desk.office.prepare(wanted)
    except Unprepared as error:
        raise Refused(400, str(error.words)) from error
    if payload is None:
        job.upload_url = desk.s3.presigned("PUT", job.input_key)
    desk.tables.jobs[job.id] = job
    return job


async def _started(desk: Desk, job: Job) -> web.Response:
    job.started = now()
    if (job.kind == REAL_TIME) != (job.endpoint.type == REAL_TIME):
        call = "InvokeEndpoint" if job.kind == REAL_TIME else "InvokeEndpointAsync"
        words = f"Endpoint {job.endpoint.name} is of type {job.endpoint.type}"
        raise Refused(
            400, f"An error occurred (ValidationError) when calling the {call} operation: {words}"
        )
    if job.kind == REAL_TIME:
        try:
            await desk.sagemaker.answer(job)
        except ModelError as error:
            raise Refused(400, str({"error": str(error)})) from error
        return desk.ok(200, _whole(desk, job), "OK")
    desk.sagemaker.submit(job)
    started = {
        "inference_id": job.id,
        "status": job.status,
        "endpoint_name": job.endpoint.name,
        "output_path": job.output_path,
    }
    data: dict[str, Any] = {"inference": started}
    if desk.generation.starts_with_id:
        data = {"InferenceJobId": job.id, "status": job.status, **data}
    return desk.ok(202, data, "Accepted")


def _whole(desk: Desk, job: Job) -> dict[str, Any]:
    urls = [desk.s3.presigned("GET", f"out/{job.id}/result/{name}") for name in job.image_names]
    return {
        "img_presigned_urls": urls,
        "output_presigned_urls": [desk.s3.presigned("GET", job.param_key)],
        "image_names": [],
        "completeTime": None,
        **job.row(),
    }


def _shown(job: Job) -> dict[str, Any]:
    shown = {
        "id": job.id,
        "type": job.task,
        "api_params_s3_location": f"s3://{job.bucket}/{job.input_key}",
        "api_params_s3_upload_url": job.upload_url,
    }
    return shown | ({"models": models_of(job)} if job.task in SIMPLE_TASKS else {})


async def _is_json(text: str) -> bool:
    try:
        await loaded(text)
    except ValueError:
        return False
    return True
