"""Stable Diffusion on EKS: tasks go to an API Gateway, pictures come from S3, nothing is said.

A 200 means "published", not "somebody will do it": there is no status, no list, no cancel. So a
task is known by an id of ours, which stands in the job's row before it is sent, and only a
deadline tells that nothing will come. Source: contracts, aws 1; the traps are named there.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar
from uuid import uuid4

from bot import log
from bot.backends import eks_payload as payload
from bot.backends.base import UNLASTING, Backend, Errand, Keeper, Report
from bot.backends.eks_results import MAX_OUT_BYTES, read_out, read_pictures
from bot.backends.eks_waiting import Finished, Waiting
from bot.backends.http import Answer, Http, error_text, raise_for_status
from bot.backends.quota import Quotas
from bot.backends.s3 import Bucket
from bot.backends.sdapi_pictures import MAX_PICTURE_BYTES
from bot.backends.warmth import Warmth
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendRefused,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
    ConfigurationError,
)
from bot.settings import BackendSettings
from bot.settings.aws import Runtime
from bot.values.ability import Ability, Lora, Model, Sampler, Scheduler
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Role, Source

SUBMIT_SECONDS = 30.0
SUBMIT_TRIES = 3
UNSURE_SECONDS = 60.0
"""A task of which nobody knows whether it was sent is looked for so long before it is again."""
TELL_SECONDS = 5.0
LEAST_PATIENCE = 20.0
"""Seconds for which any task is looked for, however long ago it was sent."""
WAKING_AFTER = 6.0
"""Seconds after which a runtime that may be cold is taken for it."""
WAKING = "the image server is waking up, this can take minutes"
FIXED = "The model of a runtime is fixed when it is deployed; choose another model instead."
WRONG_URL = "check url: it needs the stage and nothing behind it, as in …amazonaws.com/prod"

_log = log.get("eks")


@dataclass(frozen=True)
class Sent:
    """A task as the job's row remembers it. `at`: epoch seconds. `sure`: it was accepted."""

    task: str
    folder: str
    runtime: str
    at: float
    sure: bool = False
    remark: str | None = None

    @property
    def text(self) -> str:
        """For the row."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str | None) -> Sent | None:
        """What the row remembers; None when it is nothing that we wrote."""
        try:
            return cls(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True)
class _Choice:
    """What a member's model means: a runtime, and of a dynamic one the title to ask for."""

    runtime: Runtime
    title: str | None = None


class SdOnEks(Backend):
    """One gateway with its runtimes."""

    kind: ClassVar[str] = "sd-on-eks"
    outlives: ClassVar[bool] = True

    def __init__(
        self,
        settings: BackendSettings,
        quotas: Quotas | None = None,
        memory: Keeper | None = None,
    ) -> None:
        super().__init__(settings, quotas, memory)
        if settings.eks is None:
            raise ConfigurationError(f"backend {settings.name}: eks: is missing")
        self._eks = settings.eks
        self._http = Http(settings, self.quota)
        self.bucket = Bucket(self._eks.s3)
        self._waiting = Waiting(self.bucket)
        self._warmth = Warmth(settings.name, memory)
        self._choices = _choices(self._eks.runtimes)
        self._instance: str | None = None

    # What it can do.

    async def probe(self) -> Ability:
        """An empty body: its 400 shows that address and key are right and paints nothing.

        Raises BackendRejectedCredentials (the key, or no right to list the bucket),
        BackendBadAnswer (the address), BackendUnreachable, BackendTimeout.
        """
        await self.ping()
        await self.bucket.keys(f"{await self._folder()}/probe")
        await self.bucket.may_get(f"{await self._folder()}/probe")
        models = tuple(Model(name, _title(name, chosen)) for name, chosen in self._choices.items())
        self.ability = Ability(
            models=models,
            samplers=tuple(Sampler(name) for name in self._eks.samplers),
            schedulers=tuple(Scheduler(name, name) for name in self._eks.schedulers),
            upscalers=self._eks.upscalers,
            loras=tuple(Lora(name) for name in self._eks.loras),
            vaes=self._eks.vaes,
            current_model=models[0].name,
            upscale=any(r.type == "sdruntime" for r in self._eks.runtimes),
            loads=False,
        )
        return self.ability

    async def ping(self) -> None:
        """The same empty body; see `probe`."""
        answer = await self._http.post(f"/{self._eks.api_version}", {}, timeout=5.0)
        if answer.status != 400:
            _check(answer)
            raise BackendBadAnswer(f"{answer.status} to an empty body; {WRONG_URL}")

    async def refresh(self) -> Ability:
        """No route lists anything: what the operator configured is what there is."""
        return await self.probe()

    # Painting.

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,  # noqa: ARG002 - the service wants an id of its own kind
        report: Report,  # noqa: ARG002 - there is no progress
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,  # noqa: ARG002
        errand: Errand = UNLASTING,
    ) -> list[Picture]:
        """One task for all of `count`; a ComfyUI runtime paints one. Taken up where it was left.

        Raises BackendRefused, BackendBusy, BackendUnreachable (taken only if it may be done
        twice), BackendTimeout, BackendFailed, BackendOutOfMemory, BackendBadAnswer.
        """
        sent = Sent.read(errand.left)
        if sent is not None and not sent.sure:
            finished = await self._perhaps(sent)
            if finished is not None:
                return await self._fetch(finished, request, sent)
            sent = await self._send(request, sources, errand, replace(sent, at=time.time()))
        elif sent is None:
            sent = await self._send(request, sources, errand, None)
        finished = await self._outcome(sent, errand)
        return await self._fetch(finished, request, sent)

    async def describe(self, source: Source, task_id: str, report: Report) -> str:  # noqa: ARG002
        """There is no such task."""
        raise BackendRefused("describe", sentence="The image server can't describe pictures.")

    async def load(self, model: str) -> None:
        """Weights are loaded at deployment."""
        raise BackendRefused(f"load {model}", sentence=FIXED)

    async def forget(self, task_id: str) -> None:
        """Nothing can be stopped there (aws 1.7): what still comes is looked at by nobody."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._waiting.close()
        await self._http.close()

    async def _folder(self) -> str:
        """Where all results of this bot lie, and of no other one that uses the bucket."""
        if self._instance is None:
            known = await self.memory.recall("instance") if self.memory else None
            self._instance = known or self.name
        return f"easel/{self._instance}"

    # Sending.

    async def _send(
        self,
        request: ImageRequest,
        sources: Sequence[Source],
        errand: Errand,
        again: Sent | None,
    ) -> Sent:
        """In the row, sent, and in the row that it was accepted; the same id if it is `again`."""
        chosen = self._choice(request)
        sent = again or Sent(
            task=str(uuid4()),
            folder=f"{await self._folder()}/{time.strftime('%Y%m%d%H', time.gmtime())}",
            runtime=chosen.runtime.name,
            at=time.time(),
        )
        message = await self._message(request, sources, sent, chosen)
        sent = replace(sent, remark=message.remark)
        await errand.note(sent.text)
        try:
            await self._submit(message.body, sent)
        except (BackendBusy, BackendRefused, BackendRejectedCredentials, BackendUnreachable) as no:
            if not getattr(no, "taken", False):
                await errand.note("")  # it is surely not there: nobody needs to look for it
            raise
        sent = replace(sent, at=time.time(), sure=True)
        await errand.note(sent.text)
        return sent

    def _choice(self, request: ImageRequest) -> _Choice:
        plain = request.kind == "txt2img"
        if request.kind == "upscale":
            able = [c for c in self._choices.values() if c.runtime.type == "sdruntime"]
        else:
            able = [
                c
                for name, c in self._choices.items()
                if request.model == name
                or (request.model is None and (plain or c.runtime.type == "sdruntime"))
            ]
        if not able:
            raise BackendRefused(
                f"no runtime has {request.model}", sentence="That model is no longer there."
            )
        return able[0]

    async def _message(
        self, request: ImageRequest, sources: Sequence[Source], sent: Sent, chosen: _Choice
    ) -> payload.Message:
        operator = self.settings.payload_for(request.model)
        body = payload.content(request, chosen.runtime, chosen.title, operator)
        if not sources:
            whole = self._around(sent, chosen, request, body)
            if payload.size_of(whole) > payload.MOST_BYTES - payload.MARGIN:
                raise payload.too_long(payload.size_of(whole), "Say it shorter.")
            return payload.Message(whole)
        if self._eks.s3.upload_bucket is not None:
            links = await self._laid(sent, sources, self._eks.s3.upload_bucket)
            body = payload.with_links(body, request, links)
            return payload.Message(self._around(sent, chosen, request, body))
        around = self._around(sent, chosen, request, {})
        fitted = await asyncio.to_thread(payload.fitting, body, request, sources, around)
        return replace(fitted, body=self._around(sent, chosen, request, fitted.body))

    def _around(
        self, sent: Sent, chosen: _Choice, request: ImageRequest, body: dict[str, Any]
    ) -> dict[str, Any]:
        if self._eks.api_version == "v1alpha2":
            return payload.v1alpha2(sent.task, sent.folder, chosen.runtime, request, body)
        checkpoint = chosen.title or chosen.runtime.model or ""
        return payload.v1alpha1(sent.task, sent.folder, checkpoint, request, body)

    async def _laid(self, sent: Sent, sources: Sequence[Source], bucket: str) -> dict[Role, str]:
        uploads = Bucket(self._eks.s3, bucket)
        links = {}
        for source in sources:
            key = f"{sent.folder}/{sent.task}/{source.role}"
            await uploads.put(key, source.data)
            links[source.role] = await uploads.link(key)
        return links

    async def _submit(self, body: dict[str, Any], sent: Sent) -> None:
        """Trouble on the way is no reason for another id: the worst is the same picture twice."""
        taken = False
        for tries in range(1, SUBMIT_TRIES + 1):
            try:
                answer = await self._http.submit(
                    f"/{self._eks.api_version}", body, timeout=SUBMIT_SECONDS
                )
                if answer.status < 500:
                    break
                trouble: Exception = BackendUnreachable(f"{answer.status}: {error_text(answer)}")
                taken = True
            except (BackendUnreachable, BackendTimeout) as error:
                trouble = error
                taken |= getattr(error, "taken", True)
            if tries == SUBMIT_TRIES:
                raise BackendUnreachable(str(trouble), taken=taken) from trouble
            await asyncio.sleep(tries)
        if answer.status == 413:
            raise payload.too_long(payload.size_of(body), "Use a smaller picture.")
        _check(answer)
        told = answer.json()
        known = told.get("id") or told.get("id_task") if isinstance(told, dict) else None
        if known != sent.task:
            raise BackendBadAnswer(f"the answer names the task {known!r} instead of {sent.task}")
        _log.info(
            "task sent",
            backend=self.name,
            task=sent.task,
            runtime=sent.runtime,
            output=told.get("output_location"),
        )

    # Waiting.

    async def _perhaps(self, left: Sent) -> Finished | None:
        """A task that was perhaps sent before a crash, if it shows within a while."""
        waited, longest = max(0.0, time.time() - left.at), UNSURE_SECONDS
        if self._warmth.cold(left.runtime):
            # It may have to be woken first: sent again, it would only be painted twice.
            start = await self._warmth.cold_start(left.runtime)
            longest = max(longest, self._eks.first_result_timeout if start is None else 1.5 * start)
        seconds = max(0.0, longest - waited)
        try:
            async with asyncio.timeout(seconds + 1.0):
                return await self._waiting.finished(left.folder, left.task, 0.0)
        except TimeoutError:
            return None

    async def _outcome(self, sent: Sent, errand: Errand) -> Finished:
        """Waits while its runtime gives signs of life, and says what is known meanwhile."""
        expected = await self._warmth.expected(sent.runtime)
        rest = None if expected is None else max(0.0, sent.at + expected - time.time())
        began = time.monotonic()
        waiting = asyncio.create_task(self._waiting.finished(sent.folder, sent.task, rest))
        try:
            while not waiting.done():
                await self._tell(sent, errand, expected)
                limits = (self._eks.first_result_timeout, self._eks.result_timeout)
                pause = self._warmth.patience(sent.runtime, sent.at, *limits)
                # A task of before a long stop may have ended meanwhile.
                pause = max(pause, LEAST_PATIENCE - (time.monotonic() - began))
                if pause <= 0:
                    raise BackendTimeout(
                        f"runtime {sent.runtime}: nothing came of task {sent.task}; is it "
                        "deployed under this name, and does its agent run?"
                    )
                await asyncio.wait({waiting}, timeout=min(pause, TELL_SECONDS))
            finished = waiting.result()
        finally:
            waiting.cancel()
        await self._warmth.came(sent.runtime, time.time() - sent.at)
        return finished

    async def _tell(self, sent: Sent, errand: Errand, expected: float | None) -> None:
        waited = time.time() - sent.at
        if self._warmth.cold(sent.runtime) and waited > WAKING_AFTER:
            start = await self._warmth.cold_start(sent.runtime)
            errand.tell(WAKING, None if start is None else max(1.0, start - waited))
        else:
            left = None if expected is None or expected <= waited else expected - waited
            errand.tell(f"drawing on {sent.runtime}", left)

    async def _fetch(self, finished: Finished, request: ImageRequest, sent: Sent) -> list[Picture]:
        try:
            out = await self.bucket.get(finished.out, MAX_OUT_BYTES)
            ended = await asyncio.to_thread(read_out, out)
            wanted = finished.files[: request.count]
            files = [await self.bucket.get(key, MAX_PICTURE_BYTES) for key in wanted]
        except BackendRejectedCredentials as error:
            # It is painted and paid for: it waits until the rights are mended.
            raise BackendUnreachable(str(error)) from error
        remark = " ".join(filter(None, (f"Drawn on {sent.runtime}.", sent.remark)))
        return await asyncio.to_thread(read_pictures, files, ended, request, remark)


def _choices(runtimes: Sequence[Runtime]) -> dict[str, _Choice]:
    """What members choose, by name: the checkpoint where it is known, else the runtime."""
    found: dict[str, _Choice] = {}
    for runtime in runtimes:
        named = [(t.rsplit(" [", 1)[0], _Choice(runtime, t)) for t in runtime.titles]
        if not named:
            named = [(runtime.model or runtime.name, _Choice(runtime))]
        for file, chosen in named:
            name = file.rsplit("/", 1)[-1].removesuffix(".safetensors").removesuffix(".ckpt")
            # Two runtimes with one checkpoint are two choices.
            found[f"{name} on {runtime.name}" if name in found else name] = chosen
    return found


def _title(name: str, chosen: _Choice) -> str:
    return chosen.title or chosen.runtime.model or name


def _check(answer: Answer) -> None:
    """As `raise_for_status`; two of the gateway's answers mean something else (aws 1.1)."""
    if answer.status == 403 and "missing authentication" in error_text(answer).casefold():
        raise BackendBadAnswer(f"403: no such address; {WRONG_URL}")
    if answer.status == 400 and "too long" in error_text(answer).casefold():
        raise BackendRefused(f"{answer.status}: {error_text(answer)}", sentence=payload.HUGE)
    raise_for_status(answer)
