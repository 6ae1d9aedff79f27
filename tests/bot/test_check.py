"""`python -m bot check`: each part a line, what was seen, what to mend, and the exit code."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from pydantic import SecretStr

from bot import check as checks
from bot.database.migrate import migrate
from bot.demo.discord import DiscordStandIn
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import BackendFailed
from bot.images import pnginfo
from bot.settings import BackendSettings, Environment, Limits, Settings
from bot.settings.file import Auth
from tests.bot.backends.cloud import cloud

TOKEN = "token.of.the.tests"
Findings = dict[str, dict[str, Any]]


class Desk:
    """Settings that can be spoilt one by one, and `check` run over them."""

    def __init__(self, folder: Path, standin: DiscordStandIn, server: DemoImageServer) -> None:
        self.folder = folder
        self.environment: dict[str, Any] = {
            "discord_token": SecretStr(TOKEN),
            "discord_api_url": standin.api_url,
            "database_url": f"sqlite:///{folder / 'data' / 'easel.db'}",
        }
        auth = Auth(username="demo", password=SecretStr("demo"))
        self.backends = [BackendSettings(name="main", url=server.url, auth=auth)]

    @property
    def settings(self) -> Settings:
        """As the operator would have written them."""
        usual = {name: field.default for name, field in Environment.model_fields.items()}
        environment = Environment.model_construct(**usual | self.environment)
        return Settings(environment, tuple(self.backends), Limits())

    def spoil(self, **changes: Any) -> None:
        """Another setting of the one backend."""
        self.backends = [self.backends[0].model_copy(update=changes)]

    async def text(self, draw_into: Path | None = None) -> int:
        """The exit code of `check`, its lines printed."""
        return await checks.check(self.settings, as_json=False, draw_into=draw_into)

    async def read(self, capsys: pytest.CaptureFixture[str]) -> tuple[int, Findings]:
        """The exit code and the findings of `check --json`, by part."""
        capsys.readouterr()
        code = await checks.check(self.settings, as_json=True, draw_into=None)
        found = {f["part"]: f for f in json.loads(capsys.readouterr().out)}
        assert all(f["ok"] != bool(f["exit_code"]) for f in found.values())
        return code, found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Everything well: Discord's stand-in, an image server, a folder that can be written."""
    server = DemoImageServer(step_seconds=0.001, load_seconds=0.01, workers=0)
    async with DiscordStandIn(token=TOKEN) as standin:
        await server.start()
        yield Desk(tmp_path, standin, server)
        await server.close()
        assert standin.crashes == []


async def test_when_all_is_well_each_part_has_its_line(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await desk.text() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "✓ discord",
        "✓ database",
        "✓ disk",
        "✓ resources",
        "✓ backend main",
    ]
    assert "signed in as" in lines[0]
    assert "will be made at the start" in lines[1]
    assert "GiB free" in lines[2]
    assert "styles" in lines[3]
    assert "models" in lines[4]
    assert "loaded:" in lines[4]


async def test_json_holds_the_same_for_scripts(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = await desk.read(capsys)
    assert code == 0
    assert list(found) == ["discord", "database", "disk", "resources", "backend main"]
    assert all(set(f) == {"part", "ok", "seen", "mend", "exit_code"} for f in found.values())


async def test_a_wrong_token_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.environment["discord_token"] = SecretStr("some.other.token")
    assert await desk.text() == 2
    told = capsys.readouterr().out
    assert "✗ discord: the token is not accepted (401) → copy DISCORD_TOKEN anew" in told
    assert "some.other" not in told
    assert "✓ backend main" in told


async def test_no_token_says_where_to_paste_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.environment["discord_token"] = None
    code, found = await desk.read(capsys)
    assert (code, found["discord"]["seen"]) == (2, "DISCORD_TOKEN is not set")
    assert ".env" in found["discord"]["mend"]


async def test_a_discord_that_cannot_be_reached_is_no_wrong_setting(
    desk: Desk, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.environment["discord_api_url"] = f"http://127.0.0.1:{unused_tcp_port}/api"
    code, found = await desk.read(capsys)
    assert (code, found["discord"]["ok"]) == (1, False)
    assert "DISCORD_API_URL" in found["discord"]["mend"]


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (web.Response(status=503), "answered 503"),
        (web.Response(text="<html>a portal</html>", content_type="text/html"), "not reached"),
        (
            web.json_response({"id": "1"}, headers={"Date": "Mon, 01 Jan 2001 00:00:00 GMT"}),
            "off Discord's",
        ),
    ],
)
async def test_an_odd_answer_from_discord_is_a_failure(
    desk: Desk, answer: web.Response, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def me(_: web.Request) -> web.Response:
        return answer

    other = web.Application()
    other.router.add_get("/api/v10/users/@me", me)
    runner = web.AppRunner(other)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    desk.environment["discord_api_url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    code, found = await desk.read(capsys)
    await runner.cleanup()
    assert (code, found["discord"]["ok"]) == (1, False)
    assert seen in found["discord"]["seen"]
    assert found["discord"]["mend"]


async def test_a_wrong_password_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.spoil(auth=Auth(username="demo", password=SecretStr("not-this-one")))
    assert await desk.text() == 2
    told = capsys.readouterr().out
    assert "✗ backend main" in told
    assert "correct BACKEND_USERNAME and BACKEND_PASSWORD" in told
    assert "not-this-one" not in told


async def test_a_server_that_is_not_there_is_a_failure(
    desk: Desk, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.spoil(url=f"http://127.0.0.1:{unused_tcp_port}")
    code, found = await desk.read(capsys)
    assert (code, found["backend main"]["exit_code"]) == (1, 1)
    assert "no connection" in found["backend main"]["seen"]
    assert "BACKEND_URL" in found["backend main"]["mend"]


async def test_no_backend_at_all_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.backends = []
    code, found = await desk.read(capsys)
    assert (code, found["backend"]["seen"]) == (2, "none is configured")
    assert "BACKEND_URL" in found["backend"]["mend"]


async def test_an_unknown_kind_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.spoil(kind="comfy")
    code, found = await desk.read(capsys)
    assert code == 2
    assert "kind 'comfy' is unknown (known: " in found["backend main"]["seen"]


async def test_a_missing_ca_file_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.spoil(ca_file=desk.folder / "missing.pem")
    code, found = await desk.read(capsys)
    assert code == 2
    assert "ca_file can't be read" in found["backend main"]["seen"]


async def test_the_other_backends_are_still_looked_at(
    desk: Desk, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    well = desk.backends[0]
    away = well.model_copy(update={"name": "away", "url": f"http://127.0.0.1:{unused_tcp_port}"})
    desk.backends = [away, well]
    code, found = await desk.read(capsys)
    assert code == 1
    assert (found["backend away"]["ok"], found["backend main"]["ok"]) == (False, True)


async def test_a_file_in_the_way_of_the_data_folder_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "data").write_text("not a folder")
    code, found = await desk.read(capsys)
    assert (code, found["database"]["ok"]) == (2, False)
    assert "can't be written" in found["database"]["seen"]
    assert "DATABASE_URL" in found["database"]["mend"]
    assert found["disk"]["ok"]


async def test_another_kind_of_database_is_a_setting_to_mend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.environment["database_url"] = "postgresql://somewhere/db"
    code, found = await desk.read(capsys)
    assert (code, found["database"]["exit_code"]) == (2, 2)
    assert "DATABASE_URL" in found["database"]["seen"]


async def test_the_database_is_looked_at_and_not_touched(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    await desk.read(capsys)
    path = desk.settings.database_path
    assert not path.exists()
    await asyncio.to_thread(migrate, path)
    before = path.read_bytes()
    _, found = await desk.read(capsys)
    assert "KiB" in found["database"]["seen"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("fault", ["a newer schema", "no database", "a folder"])
async def test_what_run_would_refuse_check_refuses_too(
    desk: Desk, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk.settings.database_path
    path.parent.mkdir()
    if fault == "a folder":
        path.mkdir()
    elif fault == "no database":
        path.write_bytes(b"these are not the pages of a database" * 100)
    else:
        await asyncio.to_thread(migrate, path)
        with closing(sqlite3.connect(path)) as file:
            file.execute("UPDATE alembic_version SET version_num = '9999'")
            file.commit()
    code, found = await desk.read(capsys)
    assert not found["database"]["ok"]
    assert code == 2


async def test_a_disk_that_is_nearly_full_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = shutil._ntuple_diskusage(1 << 40, 1 << 40, 100 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    code, found = await desk.read(capsys)
    assert (code, found["disk"]["seen"]) == (1, "100 MiB free")
    assert found["disk"]["mend"] == "free at least 512 MiB"


async def test_drawing_saves_one_small_real_picture_for_each_backend(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    out = desk.folder / "deep" / "out"
    assert await desk.text(draw_into=out) == 0
    saved = out / "check-main-txt2img.png"
    told = capsys.readouterr().out
    assert "✓ backend main txt2img: 512×512 in" in told
    assert "✓ backend main img2img: 512×512 in" in told
    assert "✓ backend main upscale: 1024×1024 in" in told
    assert (out / "check-main-upscale.png").exists()
    with Image.open(saved) as picture:
        assert picture.size == (512, 512)
    infotext = pnginfo.read(saved.read_bytes())
    assert infotext is not None
    assert "Steps: 4" in infotext


async def test_a_backend_that_cannot_draw_is_a_failure(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise BackendFailed("500: RuntimeError")

    monkeypatch.setattr("bot.backends.sdapi.SdApi.paint", broken)
    assert await desk.text(draw_into=desk.folder / "out") == 1
    told = capsys.readouterr().out
    assert "✓ backend main:" in told
    assert "✗ backend main txt2img: 500: RuntimeError" in told
    assert not (desk.folder / "out").exists()


async def test_a_task_in_the_cloud_is_told_with_its_id_and_place(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    async with cloud(paint_seconds=None, step_seconds=0.001, workers=0) as service:
        desk.backends = [service.settings()]
        assert await desk.text(draw_into=desk.folder / "out") == 0
        told = capsys.readouterr().out
        task = service.eks.submitted[0]
        assert f"task {task['id']} in {task['prefix']}, saved as" in told
        service.s3.may_list = False
        assert await desk.text() == 2
        assert "give the bot the S3 rights" in capsys.readouterr().out
        locked = service.settings(auth={"api_key": "wrong"})
        desk.backends = [locked]
        assert await desk.text() == 2
        assert "correct auth: {api_key" in capsys.readouterr().out


async def test_a_picture_that_cannot_be_saved_is_a_line(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "out").write_text("not a folder")
    assert await desk.text(draw_into=desk.folder / "out") in (1, 2)
    assert "✗ backend main txt2img" in capsys.readouterr().out
