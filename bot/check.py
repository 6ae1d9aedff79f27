"""`python -m bot check`: each part a line with ✓ or ✗, what was seen, what to change."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bot.backends import registry
from bot.backends.base import Backend, Unlasting
from bot.backends.quota import Quotas
from bot.database.migrate import inspect
from bot.errors import (
    BackendBadAnswer,
    BackendError,
    BackendRejectedCredentials,
    ConfigurationError,
)
from bot.images import codec
from bot.settings import BackendSettings, Settings
from bot.studio.library import read_library
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Role, Source

SPACE_WANTED = 512 << 20


@dataclass(frozen=True)
class Finding:
    """One line. `exit_code` is 0 (well), 1 (failed) or 2 (a setting is wrong)."""

    part: str
    ok: bool
    seen: str
    mend: str = ""
    exit_code: int = 0


async def check(settings: Settings, *, as_json: bool, draw_into: Path | None) -> int:
    """Prints the findings; returns 0 ok, 1 failed, 2 configuration."""
    findings = [await discord(settings), database(settings), disk(settings), resources()]
    if not settings.backends:
        mend = "set BACKEND_URL in .env, or backends: in easel.yaml"
        findings.append(Finding("backend", False, "none is configured", mend, 2))
    quotas = Quotas()
    for chosen in settings.backends:
        findings += await painter(chosen, draw_into, quotas)
    if as_json:
        sys.stdout.write(json.dumps([asdict(f) for f in findings], ensure_ascii=False) + "\n")
    else:
        for finding in findings:
            sys.stdout.write(_line(finding) + "\n")
    return max(f.exit_code for f in findings)


def _line(finding: Finding) -> str:
    mark = "✓" if finding.ok else "✗"
    mend = f" → {finding.mend}" if finding.mend else ""
    return f"{mark} {finding.part}: {finding.seen}{mend}"


async def discord(settings: Settings) -> Finding:
    """The token and the network, by GET /users/@me."""
    part = "discord"
    try:
        token = settings.token
    except ConfigurationError as error:
        return Finding(part, False, "DISCORD_TOKEN is not set", str(error).split(": ", 1)[1], 2)
    environment = settings.environment
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session,
            session.get(
                f"{environment.discord_api_url}/v10/users/@me",
                headers={"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (easel, 0.1)"},
                proxy=environment.discord_proxy,
            ) as answer,
        ):
            user = await answer.json() if answer.status == 200 else {}
            return _signed_in(answer.status, user, _clock_difference(answer.headers.get("Date")))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        mend = "check the network, DISCORD_API_URL and DISCORD_PROXY"
        return Finding(part, False, f"not reached ({type(error).__name__})", mend, 1)


def _signed_in(status: int, user: dict[str, object], clock: float | None) -> Finding:
    part = "discord"
    if status == 401:
        mend = "copy DISCORD_TOKEN anew from the Developer Portal, Bot, Reset Token"
        return Finding(part, False, "the token is not accepted (401)", mend, 2)
    if status == 404:
        mend = "correct DISCORD_API_URL (https://discord.com/api)"
        return Finding(part, False, "answered 404", mend, 2)
    if status != 200:
        return Finding(part, False, f"answered {status}", "try again later", 1)
    if clock is not None and abs(clock) > 30:
        mend = "set this machine's clock (NTP)"
        return Finding(part, False, f"this clock is {clock:.0f} s off Discord's", mend, 1)
    return Finding(part, True, f"signed in as {user.get('username')} ({user.get('id')})")


def _clock_difference(date: str | None) -> float | None:
    """Seconds that this clock is ahead of the answer's Date header."""
    from email.utils import parsedate_to_datetime

    if date is None:
        return None
    return time.time() - parsedate_to_datetime(date).timestamp()


def database(settings: Settings) -> Finding:
    """Whether the data folder can be written; the file itself is not touched."""
    part = "database"
    try:
        path = settings.database_path
    except ConfigurationError as error:
        return Finding(part, False, str(error), "", 2)
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        mend = "make the folder writable for this user, or change DATABASE_URL"
        return Finding(part, False, f"{folder} can't be written ({error.strerror})", mend, 2)
    if not path.exists():
        return Finding(part, True, f"{path} (will be made at the start)")
    try:
        schema = inspect(path)
    except ConfigurationError as error:
        return Finding(part, False, str(error).removeprefix("DATABASE_URL: "), "", 2)
    return Finding(part, True, f"{path} ({path.stat().st_size >> 10} KiB, schema {schema})")


def resources() -> Finding:
    """The operator's own words in resources/: families and labels, styles, wildcards."""
    try:
        library = read_library()
    except ConfigurationError as error:
        return Finding("resources", False, str(error), "correct that file", 2)
    styles, wildcards = len(library.styles.all), len(library.wildcards)
    return Finding("resources", True, f"{styles} styles, {wildcards} wildcards")


def disk(settings: Settings) -> Finding:
    """Space where the database is: undelivered pictures wait there."""
    try:
        folder = settings.database_path.parent
    except ConfigurationError:
        folder = Path()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < SPACE_WANTED:
        return Finding("disk", False, f"{free >> 20} MiB free", "free at least 512 MiB", 1)
    return Finding("disk", True, f"{free / (1 << 30):.1f} GiB free")


async def painter(
    chosen: BackendSettings, draw_into: Path | None, quotas: Quotas | None = None
) -> list[Finding]:
    """One backend: what its probe saw, and with `draw_into` one small real picture."""
    part = f"backend {chosen.name}"
    try:
        backend = registry.build(chosen, quotas)
    except ConfigurationError as error:
        return [Finding(part, False, str(error), "correct kind:", 2)]
    try:
        ability = await backend.probe()
        seen = (
            f"{chosen.url}: {len(ability.models)} models, {len(ability.samplers)} samplers, "
            f"loaded: {ability.current_model or 'unknown'}"
        )
        found = [Finding(part, True, seen)]
        found += [Finding(part, False, w, _mend_of(w), 1) for w in ability.warnings]
        if draw_into is not None:
            found += await _drawn(backend, ability, draw_into)
        return found
    except BackendRejectedCredentials as error:
        return [Finding(part, False, f"{chosen.url}: {error}", _mend_of_key(chosen, error), 2)]
    except BackendError as error:
        mend = "check that it runs and that BACKEND_URL (or url:) is right"
        if str(error).startswith("S3"):
            mend = "correct s3: its bucket, region or credentials"
        elif chosen.kind != "sdapi" and isinstance(error, BackendBadAnswer):
            mend = "correct url:"
        return [Finding(part, False, f"{chosen.url}: {error}", mend, 1)]
    except ConfigurationError as error:
        return [Finding(part, False, str(error), "", 2)]
    finally:
        await backend.close()


def _mend_of(warning: str) -> str:
    if "payload" in warning:
        return "correct payload: in easel.yaml"
    return "change the password" if "password" in warning else "correct it in easel.yaml or .env"


def _mend_of_key(chosen: BackendSettings, error: BackendRejectedCredentials) -> str:
    if chosen.kind == "sdapi":
        return "correct BACKEND_USERNAME and BACKEND_PASSWORD (or auth:)"
    if "S3" in str(error):
        return "give the bot the S3 rights that docs/aws-eks.md lists, or correct s3:"
    if re.search("user|permission", str(error), re.IGNORECASE):
        return "correct extension: {user: …}, or give that user the right"
    return "correct auth: {api_key: …}"


class _Receipt(Unlasting):
    """Where a painter that outlives us said that it left a task."""

    async def note(self, left: str) -> None:
        """Remembered for the finding."""
        self.left = left

    @property
    def words(self) -> str:
        """The task's id and folder, if it told any."""
        try:
            told = json.loads(self.left or "{}")
        except ValueError:
            return ""
        task = told.get("task") or told.get("id")
        where = f" in {told['folder']}" if told.get("folder") else ""
        return f", task {task}{where}" if task else ""


async def _drawn(backend: Backend, ability: Ability, folder: Path) -> list[Finding]:
    """One small request for each ability; the first picture is what the others begin with."""
    usual = ImageRequest(prompt="a lighthouse", width=512, height=512, steps=4, cfg_scale=7, seed=1)
    found, first = await _one(backend, usual, folder, ())
    findings = [found]
    if first is None:
        return findings
    source = Source(Role.INIT, first.data, first.width, first.height)
    over = {"kind": "img2img", "denoising_strength": 0.5}
    findings.append((await _one(backend, usual.model_copy(update=over), folder, (source,)))[0])
    if ability.upscale:
        larger = usual.model_copy(
            update={
                "kind": "upscale",
                "upscale_by": 2.0,
                "upscaler": next((u for u in ability.upscalers if u != "None"), None),
            }
        )
        findings.append((await _one(backend, larger, folder, (source,)))[0])
    return findings


async def _one(
    backend: Backend, request: ImageRequest, folder: Path, sources: Sequence[Source]
) -> tuple[Finding, Picture | None]:
    part = f"backend {backend.name} {request.kind}"
    began, receipt = time.monotonic(), _Receipt()
    try:
        pictures = await backend.paint(
            request, "easel-check", lambda *_: None, sources, errand=receipt
        )
    except BackendError as error:
        told = f"{error}{receipt.words}"
        return Finding(part, False, told, error.sentence, 1), None
    first = pictures[0]
    name = f"check-{backend.name}-{request.kind}.{codec.extension(first.media_type)}"
    target = folder / name
    try:
        await asyncio.to_thread(_save, target, first.data)
    except OSError as error:
        mend = "choose another folder with --out"
        refused = f"{target} can't be saved ({error.strerror})"
        return Finding(part, False, refused, mend, 1), first
    took = time.monotonic() - began
    size = f"{first.width}×{first.height}"
    seen = f"{size} in {took:.1f} s{receipt.words}, saved as {target}"
    return Finding(part, True, seen), first


def _save(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
