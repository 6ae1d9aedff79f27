"""SageMaker as the lambdas know it: asynchronous and real-time invocations of endpoints.

An asynchronous job is queued at its endpoint, its raw output goes to ``sagemaker_output/``, and a
message tells the result lambda. A real-time one answers its caller. There is no cancel and no
progress.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Final

from bot.demo.servers.extension.background import Background
from bot.demo.servers.extension.faults import JOBS, Fault, Faults
from bot.demo.servers.extension.instances import Instance, ModelError, Quick, WebUI
from bot.demo.servers.extension.results import Results
from bot.demo.servers.extension.schema import loaded
from bot.demo.servers.extension.tables import Endpoint, Job, Tables, new_id
from bot.demo.servers.s3 import DemoS3
from bot.demo.servers.sdapi import DemoImageServer

_NO_BODY: Final = (
    "An error occurred (NoSuchKey) when calling the GetObject operation: "
    "The specified key does not exist."
)


@dataclass(frozen=True)
class Pace:
    """How fast it paints; all times in seconds.

    ``paint`` None paints with the demo painter, ``step`` seconds a step and ``load`` for another
    model; else each job takes ``paint``, however many run. ``start`` is the time that a sleeping
    endpoint needs before its first job, ``deploy`` that of a new endpoint until it is in service.
    ``workers`` processes paint for one endpoint; 0 paints in a thread.
    """

    step: float
    load: float
    paint: float | None
    start: float
    deploy: float
    workers: int


class SageMaker:
    """All endpoints' instances and their queues."""

    def __init__(
        self, tables: Tables, s3: DemoS3, faults: Faults, results: Results, pace: Pace
    ) -> None:
        self.pace = pace
        self._tables = tables
        self._s3 = s3
        self._faults = faults
        self._results = results
        self._instances: dict[str, Instance] = {}
        self._awake: dict[str, asyncio.Task[None]] = {}
        self._background = Background()

    def submit(self, job: Job) -> None:
        """An asynchronous invocation: the job is in progress from here on."""
        job.status = "inprogress"
        job.output_path = f"s3://{job.bucket}/sagemaker_output/{new_id()}.out"
        entry, fault = self._admitted(job)
        self._background.spawn(self._carried(job, entry, fault))

    async def answer(self, job: Job) -> None:
        """A real-time invocation, to its end; raises ``ModelError``, the row then is as it was."""
        entry, fault = self._admitted(job)
        output = await self._invoked(job, entry, fault)
        if "error" in output:
            raise ModelError(str(output["error"]))
        await self._results.store(job, output, {}, gif=_is(fault, "gif"))

    def deploy(self, endpoint: Endpoint) -> None:
        """Let a new endpoint come into service, or fail, after a while."""
        fault = self._faults.take("deploy")
        self._background.spawn(self._deployed(endpoint, fault))

    def sleep(self) -> None:
        """Scale all endpoints to zero: the next job of each waits for the start again."""
        self._awake.clear()

    async def close(self) -> None:
        """Give up all jobs and stop the instances."""
        await self._background.close()
        for instance in self._instances.values():
            await instance.close()
        self._instances.clear()

    def _admitted(self, job: Job) -> tuple[dict[str, Any], Fault | None]:
        entry = {
            "id": job.id,
            "task_type": job.task,
            "endpoint": job.endpoint.name,
            "user": job.user,
            "models": {row.type: list(row.names) for row in job.models},
            "payload": None,
            "at": time.time(),
        }
        self._tables.submitted.append(entry)
        return entry, self._faults.take(*JOBS)

    async def _carried(self, job: Job, entry: dict[str, Any], fault: Fault | None) -> None:
        message = _message(job)
        try:
            output = await self._invoked(job, entry, fault)
        except ModelError as error:
            reason = str(error) if _is(fault, "fail") else _reason(str(error))
            failure = {"invocationStatus": "Failed", "failureReason": reason}
            self._results.fail(job, message | failure)
            return
        if job.id not in self._tables.jobs or job.output_path is None:
            return
        key = job.output_path.removeprefix(f"s3://{job.bucket}/")
        text = await asyncio.to_thread(json.dumps, output)
        await self._s3.put(key, text.encode(), "application/json")
        place = {"contentType": "application/json", "outputLocation": job.output_path}
        message |= {"invocationStatus": "Completed", "responseParameters": place}
        await self._results.store(job, output, message, gif=_is(fault, "gif"))

    async def _invoked(
        self, job: Job, entry: dict[str, Any], fault: Fault | None
    ) -> dict[str, Any]:
        if _is(fault, "lose"):
            await asyncio.Event().wait()
        await self._woken(job.endpoint)
        if fault is not None and fault.do == "slow_job":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.do == "fail":
            raise ModelError(fault.reason)
        body = await self._body(job)
        entry["payload"] = body
        if fault is not None and fault.do == "raw":
            return {"error": fault.reason}
        return await self._instance(job.endpoint).run(job.task, body, job.checkpoint)

    async def _body(self, job: Job) -> dict[str, Any]:
        text: str | bytes | None = job.payload
        if text is None:
            text = await self._s3.get(job.input_key)
        if text is None:
            raise ModelError(_NO_BODY)
        try:
            body = await loaded(text)
        except ValueError as error:
            raise ModelError(str(error)) from error
        if not isinstance(body, dict):
            raise ModelError(f"argument after ** must be a mapping, not {type(body).__name__}")
        return body

    def _instance(self, endpoint: Endpoint) -> Instance:
        pace = self.pace
        if endpoint.id not in self._instances:
            self._instances[endpoint.id] = (
                Quick(pace.paint)
                if pace.paint is not None
                else WebUI(
                    DemoImageServer(
                        password=None,
                        step_seconds=pace.step,
                        load_seconds=pace.load,
                        workers=pace.workers,
                    )
                )
            )
        return self._instances[endpoint.id]

    async def _woken(self, endpoint: Endpoint) -> None:
        if not self.pace.start:
            return
        if endpoint.id not in self._awake:
            start = asyncio.sleep(self.pace.start)
            self._awake[endpoint.id] = self._background.spawn(start)
        await asyncio.shield(self._awake[endpoint.id])

    async def _deployed(self, endpoint: Endpoint, fault: Fault | None) -> None:
        await asyncio.sleep(self.pace.deploy)
        if fault is not None:
            endpoint.status, endpoint.error = "Failed", fault.reason
            return
        endpoint.status, endpoint.instances = "InService", "1"


def _is(fault: Fault | None, do: str) -> bool:
    return fault is not None and fault.do == do


def _reason(words: str) -> str:
    return (
        "InternalServerError: Received server error (500) from model with message "
        f'"{words}". See the CloudWatch log group of the endpoint for more information.'
    )


def _message(job: Job) -> dict[str, Any]:
    """SageMaker's news of an asynchronous invocation, but for how it ended."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    name = job.endpoint.name
    place = f"s3://sagemaker-us-east-1-000000000000/async-endpoint-inputs/{name}/{new_id()}"
    return {
        "awsRegion": "us-east-1",
        "eventTime": moment,
        "receivedTime": moment,
        "requestParameters": {"accept": "*/*", "endpointName": name, "inputLocation": place},
        "inferenceId": job.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
