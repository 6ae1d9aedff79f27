"""Inference in v1.3.0: prepare, upload, run, look; or all at once (contract aws, 2.2)."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from bot.demo.servers.extension.answers import LambdaError, plain
from bot.demo.servers.extension.classic import ask, classic_event, known_user
from bot.demo.servers.extension.desk import DESK, Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.preparing import Unprepared, Wanted, models_of
from bot.demo.servers.extension.schema import body_of
from bot.demo.servers.extension.tables import SIMPLE_TASKS, Job, new_id
from bot.demo.servers.extension.template import TEMPLATE_KEY
from bot.demo.servers.s3.signatures import Keys, Sent, presign_v2

_PREPARE: Final = Event(
    "PrepareEvent",
    ("task_type", "models", "filters"),
    {"sagemaker_endpoint_name": "", "user_id": ""},
)
_NEEDED: Final = ("task_type", "sagemaker_endpoint_name", "models")
_OLD_FOLDERS: Final = {
    "texual-inversion-list": "texual_inversion",
    "lora-list": "lora",
    "hypernetwork-list": "hypernetwork",
    "controlnet-model-list": "controlnet",
}
_FILTERS: Final = {"status": "status", "task_type": "taskType"}


def routes() -> list[web.RouteDef]:
    """The routes of this room, without the stage."""
    return [
        web.get("/inference/test-connection", test_connection),
        web.post("/inference/v2", prepare),
        web.put("/inference/v2/{id}/run", run),
        web.post("/inference-api/inference", all_at_once),
        web.get("/inference/get-inference-job", get_job),
        web.get("/inference/get-inference-job-image-output", image_output),
        web.get("/inference/get-inference-job-param-output", param_output),
        web.get("/inference/list-inference-jobs", list_jobs),
        web.post("/inference/query-inference-jobs", query_jobs),
        web.get("/inferences", list_for_user),
        web.get("/inference/generate-s3-presigned-url-for-uploading", upload_url),
        *(web.get(f"/inference/get-{name}", old_list) for name in _OLD_FOLDERS),
    ]


async def test_connection(_: web.Request) -> web.Response:
    """Whether the key is right; no lambda is asked."""
    return plain({"message": "Success"})


async def prepare(request: web.Request) -> web.Response:
    """Step one: a row and a URL for the sdapi body. The body knows these five keys only."""
    desk = request.app[DESK]
    asked = classic_event(_PREPARE, await body_of(request, desk.generation))
    try:
        job = _prepared(desk, asked)
    except Unprepared as error:
        return plain({"statusCode": error.status, "errMsg": error.words})
    return plain({"statusCode": 200, "inference": _shown(job)})


async def run(request: web.Request) -> web.Response:
    """Step three: invoke the endpoint, however often it is asked."""
    desk = request.app[DESK]
    job = desk.tables.jobs.get(request.match_info["id"])
    if job is None:
        raise LambdaError("AssertionError", "")
    desk.sagemaker.submit(job)
    started = {
        "inference_id": job.id,
        "status": job.status,
        "endpoint_name": job.endpoint.name,
        "output_path": job.output_path,
    }
    return plain({"statusCode": 200, "inference": started})


async def all_at_once(request: web.Request) -> web.Response:
    """The document's one-step body: merged over the template, uploaded, run."""
    desk = request.app[DESK]
    body = await body_of(request, desk.generation)
    if any(key not in body for key in _NEEDED):
        words = f"{', '.join(_NEEDED)} should be in the request body"
        return plain({"status": 400, "err": words})
    asked = {key: body[key] for key in _NEEDED}
    try:
        job = _prepared(desk, {**asked, "user_id": ""})
    except Unprepared:
        words = f"fail to prepare inference for {new_id()}, no s3 location is generated"
        return plain({"status": 500, "err": words})
    template = json.loads(await desk.s3.get(TEMPLATE_KEY) or b"{}")
    text = await asyncio.to_thread(json.dumps, {**template, **body})
    await desk.s3.put(job.input_key, text.encode())
    desk.sagemaker.submit(job)
    if job.task not in SIMPLE_TASKS:
        raise LambdaError("KeyError", "'models'")
    shown = {
        "inference_id": job.id,
        "status": job.status,
        "output_path": job.output_path,
        "models": models_of(job),
        "api_params_s3_location": f"s3://{job.bucket}/{job.input_key}",
        "type": job.task,
        "endpoint_name": job.endpoint.name,
    }
    return plain({"status": 200, "inference": shown})


async def get_job(request: web.Request) -> web.Response:
    """One row; 500 for an id that is not there, or for none."""
    wanted = request.query.get("jobID")
    if not wanted:
        return plain({"detail": "Inference job id must not be None or empty"}, 500)
    job = request.app[DESK].tables.jobs.get(wanted)
    if job is None:
        words = f"There is no inference job info item for id: {wanted}"
        return plain({"detail": words}, 500)
    return plain(job.row())


async def image_output(request: web.Request) -> web.Response:
    """URLs of the pictures, for an hour; an empty list before the end and for unknown jobs."""
    desk = request.app[DESK]
    job = desk.tables.jobs.get(request.query.get("jobID", ""))
    names = job.image_names if job else []
    keys = [f"out/{job.id}/result/{name}" for name in names] if job else []
    return plain([desk.s3.presigned("GET", key) for key in keys])


async def param_output(request: web.Request) -> web.Response:
    """A list with the URL of the parameters, whether they are there or not yet."""
    desk = request.app[DESK]
    job = desk.tables.jobs.get(request.query.get("jobID", ""))
    return plain([desk.s3.presigned("GET", job.param_key)] if job else [])


async def list_jobs(request: web.Request) -> web.Response:
    """All rows, bare."""
    return plain([job.row() for job in request.app[DESK].tables.jobs.values()])


async def query_jobs(request: web.Request) -> web.Response:
    """Rows by status, task, and time of start; ``endpoint`` and ``checkpoint`` match no row.

    They look at fields that only jobs of the oldest route had.
    """
    desk = request.app[DESK]
    asked = await body_of(request, desk.generation)
    rows = [job.row() for job in desk.tables.jobs.values()]
    for key, column in _FILTERS.items():
        if asked.get(key):
            rows = [row for row in rows if row[column] == asked[key]]
    if asked.get("start_time"):
        rows = [row for row in rows if row["startTime"] >= asked["start_time"]]
    if asked.get("end_time"):
        rows = [row for row in rows if row["startTime"] <= asked["end_time"]]
    if asked.get("endpoint") or asked.get("checkpoint"):
        rows = []
    limit = asked.get("limit") or len(rows)
    return plain(rows[:limit])


async def list_for_user(request: web.Request) -> web.Response:
    """All rows, or those of one user."""
    desk = request.app[DESK]
    known_user(desk, request)
    name = request.query.get("username")
    jobs = list(desk.tables.jobs.values())
    if name:
        jobs = [job for job in jobs if ask(desk.people.owns, name, [job.user])]
    return plain({"statusCode": 200, "inferences": [job.row() for job in jobs]})


async def upload_url(request: web.Request) -> web.Response:
    """A URL to put any object; the one URL of this API that signs a Content-Type."""
    desk, key = request.app[DESK], request.query.get("key")
    if not key:
        return plain({"detail": "Key parameter is required"}, 400)
    path = f"/{desk.s3.bucket}/{quote(key, safe='/-_.~')}"
    sent = Sent("PUT", path, path, "", {"content-type": "text/plain;charset=UTF-8"})
    keys = Keys(desk.s3.access_key, desk.s3.secret_key)
    query = presign_v2(sent, keys, int(time.time() + 3600))
    return plain(f"{desk.s3.url}{path}?{query}")


async def old_list(request: web.Request) -> web.Response:
    """File names under the folders of earlier releases; normally none."""
    name = request.path.rpartition("/get-")[2]
    folder = f"{_OLD_FOLDERS[name]}/"
    keys = await request.app[DESK].s3.keys(folder)
    return plain([key.removeprefix(folder) for key in keys])


def _prepared(desk: Desk, asked: dict[str, Any]) -> Job:
    wanted = Wanted(
        asked["task_type"], asked["models"], asked["sagemaker_endpoint_name"], asked["user_id"]
    )
    job = desk.office.prepare(wanted)
    job.upload_url = desk.s3.presigned("PUT", job.input_key)
    desk.tables.jobs[job.id] = job
    return job


def _shown(job: Job) -> dict[str, Any]:
    shown = {
        "id": job.id,
        "type": job.task,
        "api_params_s3_location": f"s3://{job.bucket}/{job.input_key}",
        "api_params_s3_upload_url": job.upload_url,
    }
    return shown | ({"models": models_of(job)} if job.task in SIMPLE_TASKS else {})
