"""Environment and easel.yaml brought together: which wins, what is refused, what stays hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.errors import ConfigurationError
from bot.settings import BackendSettings, Settings, load
from bot.settings.file import Auth

FILE = "backends: [{name: gpu, url: 'http://gpu:7860'}]\n"
STAGE: dict[str, Any] = {
    "token": "stage.token",
    "api_url": "http://127.0.0.1:8420/api",
    "database": Path("/tmp/stage/easel.db"),
    "backend": BackendSettings(
        name="demo",
        url="http://127.0.0.1:7861",
        auth=Auth(username="demo", password=SecretStr("pass")),
    ),
}


def refusal() -> str:
    """What `load` says: one line."""
    with pytest.raises(ConfigurationError) as failure:
        load()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def on_stage(chosen: Settings) -> Settings:
    """The demo's settings from an operator's."""
    return chosen.on_stage(**STAGE)


def test_backend_variables_make_one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "https://gpu.example/sd/")
    monkeypatch.setenv("BACKEND_USERNAME", "ada")
    monkeypatch.setenv("BACKEND_PASSWORD", "lace")
    (only,) = load().backends
    assert (only.name, only.kind, only.url) == ("main", "sdapi", "https://gpu.example/sd")
    assert only.auth == Auth(username="ada", password=SecretStr("lace"))


def test_an_api_key_is_the_other_way_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "https://gpu.example")
    monkeypatch.setenv("BACKEND_API_KEY", "k1")
    (only,) = load().backends
    assert only.auth == Auth(api_key=SecretStr("k1"))


def test_the_kind_is_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "https://gpu.example")
    monkeypatch.setenv("BACKEND_KIND", "comfyui")
    assert load().backends[0].kind == "comfyui"


@pytest.mark.parametrize(
    "name", ["BACKEND_URL", "BACKEND_USERNAME", "BACKEND_PASSWORD", "BACKEND_API_KEY"]
)
def test_both_ways_at_once_are_refused_by_both_names(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "easel.yaml").write_text(FILE)
    monkeypatch.setenv(name, "http://other:7860")
    told = refusal()
    assert name in told
    assert "backends: (easel.yaml)" in told


def test_the_file_alone_names_the_backends(folder: Path) -> None:
    (folder / "conf").mkdir()
    (folder / "conf" / "house.yaml").write_text(FILE)
    (folder / ".env").write_text("EASEL_CONFIG=conf/house.yaml\n")
    assert [b.name for b in load().backends] == ["gpu"]


@pytest.mark.parametrize("name", ["BACKEND_USERNAME", "BACKEND_PASSWORD", "BACKEND_API_KEY"])
def test_a_password_without_a_server_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "lost")
    assert refusal() == f"{name} is set, but BACKEND_URL is not"


@pytest.mark.parametrize("url", ["gpu:7860", "ftp://gpu", "http://", "http://a:b@gpu"])
def test_a_wrong_backend_url_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", url)
    assert refusal().startswith("BACKEND_URL: must")


@pytest.mark.parametrize(
    "given_names",
    [
        {"BACKEND_USERNAME"},
        {"BACKEND_PASSWORD"},
        {"BACKEND_USERNAME", "BACKEND_PASSWORD", "BACKEND_API_KEY"},
    ],
)
def test_a_wrong_way_to_sign_in_names_its_variables(
    given_names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://gpu")
    for name in given_names:
        monkeypatch.setenv(name, "some")
    told = refusal()
    assert all(name in told for name in given_names)


def test_a_missing_token_says_where_to_paste_it() -> None:
    with pytest.raises(ConfigurationError, match=r"DISCORD_TOKEN is not set: .*\.env"):
        _ = load().token


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/easel.db", Path("data/easel.db")),
        ("sqlite:////var/lib/easel.db", Path("/var/lib/easel.db")),
    ],
)
def test_the_database_is_a_file(url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert load().database_path == path


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://easel.db", "postgresql://h/d", "easel.db"])
def test_another_kind_of_database_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ConfigurationError, match="DATABASE_URL: must look like sqlite:///"):
        _ = load().database_path


def test_every_secret_in_force_is_handed_to_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends = [
        {"name": "a", "url": "http://a", "auth": {"username": "u", "password": "pass-a"}},
        {"name": "b", "url": "http://b", "auth": {"api_key": "key-b"}},
        {"name": "c", "url": "http://c", "auth": {"bearer": "${BEARER}"}},
    ]
    (folder / "easel.yaml").write_text(yaml.safe_dump({"backends": backends}))
    monkeypatch.setenv("BEARER", "bearer-c")
    monkeypatch.setenv("DISCORD_TOKEN", "tok.en")
    assert set(load().secrets()) == {"tok.en", "pass-a", "key-b", "bearer-c"}


def test_the_log_hides_the_token_as_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", " tok.en \n")
    chosen = load()
    assert chosen.token in chosen.secrets()


SECRET_PLACES = [
    "DISCORD_TOKEN",
    "BACKEND_PASSWORD",
    "BACKEND_API_KEY",
    "backends.0.auth.password",
    "backends.0.auth.api_key",
    "backends.0.auth.bearer",
    "backends.0.url",
]
BREAKAGES = [
    {},
    {"WEB_PORT": "x"},
    {"BACKEND_URL": "ftp://gpu"},
    {"BACKEND_URL": "http://gpu"},
    {"BACKEND_USERNAME": "ada"},
    {"BACKEND_USERNAME": "a:da", "BACKEND_URL": "http://gpu"},
    {"LOG_LEVEL": "loud", "OWNER_IDS": "x"},
]


@given(
    secret=st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=12),
    places=st.sets(st.sampled_from(SECRET_PLACES), min_size=1),
    breakage=st.sampled_from(BREAKAGES),
    extra=st.sampled_from(["", "limits", "unknown"]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_error_repeats_a_secret(
    secret: str, places: set[str], breakage: dict[str, str], extra: str, folder: Path
) -> None:
    token = f"<{secret.replace('$', '_')}>"
    assume("\\" not in token)
    server = {"name": "gpu", "url": "http://gpu"}
    data: dict[str, object] = {extra: {"max": 1}} if extra else {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in breakage.items():
            patch.setenv(name, value)
        auth = {}
        for place in places:
            key = place.rsplit(".", 1)[-1]
            if place.isupper():
                patch.setenv(place, token)
            elif key == "url":
                server["url"] = f"http://me:{token}@gpu"
            else:
                auth[key] = token
        if any(not p.isupper() for p in places):
            data["backends"] = [server | {"auth": auth}]
        (folder / "easel.yaml").write_text(yaml.safe_dump(data))
        try:
            chosen = load()
        except ConfigurationError as error:
            assert token not in str(error)
        else:
            assert token not in repr(chosen)


def test_the_demo_has_its_own_token_and_database_whatever_dotenv_says(folder: Path) -> None:
    (folder / ".env").write_text(
        "DISCORD_TOKEN=the.real.one\nDISCORD_API_URL=https://discord.com/api\n"
        "DISCORD_PROXY=http://proxy:3128\nALLOWED_GUILD_IDS=1\nWEB_PORT=9000\n"
        "DATABASE_URL=sqlite:////srv/the-real-one.db\nOWNER_IDS=5\n"
    )
    staged = on_stage(load())
    assert staged.token == "stage.token"
    assert staged.database_path == STAGE["database"]
    environment = staged.environment
    assert environment.discord_api_url == STAGE["api_url"]
    assert environment.discord_proxy is None
    assert environment.allowed_guild_ids == ()
    assert environment.web_port == 0
    assert environment.owner_ids == (5,)
    assert "the.real.one" not in staged.secrets()


def test_the_demo_draws_on_its_own_server_until_one_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (own,) = on_stage(load()).backends
    assert own.url == "http://127.0.0.1:7861"
    assert own.auth == Auth(username="demo", password=SecretStr("pass"))
    monkeypatch.setenv("BACKEND_URL", "http://my-gpu:7860")
    assert [b.url for b in on_stage(load()).backends] == ["http://my-gpu:7860"]
