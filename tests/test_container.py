"""No container engine is at hand: the container files are held against the code and each other.

Constraints, Makefile, licence and changelog are looked at here too: what lies at the top.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.__main__ import _parser
from bot.demo.stage import free_port
from bot.metrics import Metrics
from bot.settings import Environment, load
from bot.web import HealthPage, Readiness

ROOT = Path(__file__).parents[1]
DEFAULTS = Environment.model_construct()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["easel"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, rest in lines]


def last_stage() -> list[tuple[str, str]]:
    """What the container that runs is made of."""
    every = instructions()
    begins = max(n for n, (word, _) in enumerate(every) if word == "FROM")
    return every[begins:]


def only(word: str) -> str:
    """The one instruction of this kind in the last stage."""
    (found,) = [rest for name, rest in last_stage() if name == word]
    return found


def variables() -> dict[str, str]:
    """ENV of the last stage."""
    return dict(pair.split("=", 1) for pair in only("ENV").split())


def copied() -> Iterator[str]:
    """Every path that is copied from the checkout, in all stages."""
    for word, rest in instructions():
        if word == "COPY" and "--from=" not in rest:
            yield from rest.split()[:-1]


def ignored(path: PurePosixPath) -> bool:
    """Whether .dockerignore keeps a path, or a folder above it, out of the build."""
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            rule = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.match(rf"{rule}(/|$)", str(path)):
                return True
    return False


def data_folder() -> str:
    """The folder of the container's database."""
    return str(PurePosixPath(variables()["DATABASE_URL"].removeprefix("sqlite:///")).parent)


# The image.


def test_every_copied_path_exists_and_is_let_in() -> None:
    paths = list(copied())
    assert paths
    for name in paths:
        path = ROOT / name
        assert path.exists(), f"COPY {name}: there is no such path"
        files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
        out = [f for f in files if ignored(PurePosixPath(f.relative_to(ROOT)))]
        assert [f for f in out if "__pycache__" not in f.parts] == []


def test_the_house_is_copied_whole() -> None:
    assert {"bot", "cogs", "resources"} <= set(copied())
    assert [rest for word, rest in last_stage() if word == "COPY" and "/venv" in rest]


def test_secrets_and_clutter_stay_outside() -> None:
    assert all(ignored(PurePosixPath(p)) for p in (".env", ".git/config", ".venv/bin", "data/x.db"))
    assert ignored(PurePosixPath("bot/queue/__pycache__/x.pyc"))
    assert "." not in copied()


def test_both_stages_hold_the_same_python_and_it_is_new_enough() -> None:
    images = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len(images) == 2
    assert len(set(images)) == 1, "a virtual environment only runs on the Python that made it"
    version = re.match(r"python:(\d+)\.(\d+)", images[0])
    assert version is not None
    wanted = PROJECT["requires-python"].removeprefix(">=").split(".")
    assert [int(n) for n in version.groups()] >= [int(n) for n in wanted]


def test_it_installs_what_was_tested() -> None:
    (install,) = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert "-c constraints.txt" in install
    assert {"pyproject.toml", "constraints.txt", PROJECT["readme"]} <= set(copied())


def test_it_runs_as_a_plain_user_who_owns_the_data() -> None:
    words = [word for word, _ in last_stage()]
    user = only("USER")
    (made,) = [rest for word, rest in last_stage() if word == "RUN"]
    uid = re.search(rf"useradd .*--uid (\d+) {user}\b", made)
    assert uid is not None
    assert int(uid[1]) >= 1000
    assert f"mkdir -p {data_folder()}" in made
    assert f"chown {user}:{user} {data_folder()}" in made
    assert words.index("USER") < words.index("ENTRYPOINT")
    # What is changed in a folder after VOLUME is lost.
    assert words.index("RUN") < words.index("VOLUME")
    assert only("VOLUME") == data_folder()


def test_it_starts_the_bot() -> None:
    words = json.loads(only("ENTRYPOINT")) + json.loads(only("CMD"))
    assert words[:3] == ["python", "-m", "bot"]
    assert _parser().parse_args(words[3:]).work.__name__ == "_run"


def test_its_variables_are_settings_that_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = {name.upper() for name in Environment.model_fields}
    for name in list(os.environ):
        if name.upper().removesuffix("_FILE") in known:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name, value in variables().items():
        if name != "PATH":
            assert name in known | {"PYTHONUNBUFFERED"}
            monkeypatch.setenv(name, value)
    chosen = load(env_file=None)
    assert chosen.database_path.is_absolute()
    assert chosen.environment.web_host == "0.0.0.0"
    assert chosen.environment.web_port == DEFAULTS.web_port == int(only("EXPOSE"))


async def test_the_health_check_asks_the_health_page() -> None:
    call = json.loads(only("HEALTHCHECK").split("CMD", 1)[1])
    assert call[0] == "python"
    assert "/healthz" in call[-1]

    async def well() -> Readiness:
        return Readiness({})

    port = free_port(0)
    page = HealthPage("127.0.0.1", port, well, Metrics())
    await page.start()
    assert await _ends(call, port) == 0
    await page.close()
    assert await _ends(call, port) != 0


async def _ends(call: list[str], port: int) -> int:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *call[1:]],
        env=os.environ | {"WEB_PORT": str(port)},
        capture_output=True,
        check=False,
    )
    return done.returncode


# compose.yaml


def test_compose_builds_this_image_with_the_operators_env() -> None:
    assert SERVICE["build"] == "."
    assert SERVICE["env_file"] == ".env"
    assert SERVICE["restart"] == "unless-stopped"


def test_the_containers_paths_and_ports_win_over_a_copied_env() -> None:
    # .env.example holds the defaults of a checkout; a copy of it must not reach the container.
    settings = {
        name: value for name, value in variables().items() if hasattr(DEFAULTS, name.lower())
    }
    assert {"DATABASE_URL", "WEB_HOST", "WEB_PORT"} <= set(settings)
    assert SERVICE["environment"] == settings


def test_the_named_volume_lies_where_the_database_is() -> None:
    mounts = dict(mount.split(":", 1) for mount in SERVICE["volumes"])
    (name,) = [name for name, target in mounts.items() if target == data_folder()]
    assert name in COMPOSE["volumes"]
    assert re.fullmatch(r"[a-z][a-z0-9-]*", name), "a path would belong to root"


def test_the_hint_for_easel_yaml_mounts_it_where_it_is_read() -> None:
    hint = re.search(r"# - \./(\S+):(\S+):ro", (ROOT / "compose.yaml").read_text())
    assert hint is not None
    assert hint[2] == f"{only('WORKDIR')}/{DEFAULTS.easel_config}"
    assert hint[1] == str(DEFAULTS.easel_config)


def test_the_stop_is_given_more_time_than_the_bot_takes() -> None:
    grace = re.fullmatch(r"(\d+)s", SERVICE["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) >= DEFAULTS.shutdown_seconds + 5


# constraints.txt


def pins() -> dict[str, str]:
    """Version by normalised name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def declared() -> list[Requirement]:
    """What pyproject asks for, tests included."""
    named = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    return [Requirement(one) for one in named]


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    text = (ROOT / "constraints.txt").read_text()
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(r"[\w.-]+==[\w.!+]+", line), line
    assert re.search(r"://|@|--|\bfile:|\.(com|org|net|io|local)\b", text) is None
    assert len(pins()) == len([line for line in text.splitlines() if "==" in line])


def test_every_dependency_is_pinned_to_a_version_it_allows() -> None:
    held = pins()
    for wanted in declared():
        version = held.get(canonicalize_name(wanted.name))
        assert version is not None, f"constraints.txt: {wanted.name} is missing"
        assert wanted.specifier.contains(version, prereleases=True), f"{wanted} but {version}"


def test_what_the_dependencies_need_is_pinned_too() -> None:
    held, seen, open_names = pins(), set[str](), {(r.name, "") for r in declared()}
    open_names |= {(r.name, extra) for r in declared() for extra in r.extras}
    while open_names:
        name, extra = open_names.pop()
        seen.add(f"{canonicalize_name(name)}[{extra}]")
        try:
            needed = [Requirement(one) for one in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for one in needed:
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                assert canonicalize_name(one.name) in held, f"{name} needs {one.name}"
                wanted = {(one.name, e) for e in ("", *one.extras)}
                open_names |= {
                    w for w in wanted if f"{canonicalize_name(w[0])}[{w[1]}]" not in seen
                }


# Makefile, .ci/run, LICENSE, CHANGELOG

MAKEFILE = (ROOT / "Makefile").read_text()
HABITS = ("demo", "run", "test", "check", "bench")


@pytest.mark.parametrize("habit", HABITS)
def test_each_habit_is_a_target_that_makes_its_venv(habit: str) -> None:
    assert re.search(rf"^{habit}: \.venv/\.\w+$", MAKEFILE, re.MULTILINE)
    assert habit in (re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE) or [""])[0]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("habit", HABITS)
def test_make_understands_it(habit: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    told = subprocess.run(
        ["make", "-n", habit], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "venv .venv" in told
    assert "-c constraints.txt" in told


def test_check_is_format_lint_types_and_import_rules() -> None:
    body = MAKEFILE.split("\ncheck:", 1)[1].split("\n\n", 1)[0]
    for word in ("ruff format --check", "ruff check", "mypy", "lint-imports"):
        assert word in body


def test_ci_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert re.search(r"^make check$", text, re.MULTILINE)
    assert re.search(r"^make test$", text, re.MULTILINE)
    assert "make test" in (ROOT / "README.md").read_text()


def test_the_licence_is_mit_and_the_project_says_so() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License\n")
    assert re.search(r"^Copyright \(c\) \d{4} .+$", text, re.MULTILINE)
    assert 'THE SOFTWARE IS PROVIDED "AS IS"' in text
    assert PROJECT["license"] in ("MIT", {"text": "MIT"})


def test_the_changelog_tells_of_this_version() -> None:
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == PROJECT["version"]
    assert len(set(heads)) == len(heads)
