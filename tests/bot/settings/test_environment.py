"""What the environment and `.env` may say, and how a wrong value is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.settings import Environment, load
from bot.settings.environment import is_secret

SECRETS = sorted(n for n, f in Environment.model_fields.items() if is_secret(f))


def refusal() -> str:
    """What `load` says about a wrong setting: always one line."""
    with pytest.raises(ConfigurationError) as failure:
        load()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def test_with_nothing_set_every_variable_has_its_default() -> None:
    chosen = load()
    assert chosen.environment == Environment.model_construct()
    assert chosen.environment.discord_api_url == "https://discord.com/api"
    assert chosen.environment.shutdown_seconds == 8
    assert chosen.backends == ()


def test_dotenv_is_read_and_the_environment_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("WEB_PORT=1111\nLOG_FORMAT=json\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("WEB_PORT", "2222")
    environment = load().environment
    assert (environment.web_port, environment.log_format) == (2222, "json")


def test_an_empty_value_counts_as_unset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("DISCORD_TOKEN=\nWEB_HOST=\nOWNER_IDS=\n")
    monkeypatch.setenv("WEB_PORT", "")
    environment = load().environment
    assert environment.discord_token is None
    assert environment.owner_ids == ()
    assert (environment.web_host, environment.web_port) == ("127.0.0.1", 8080)


@given(ids=st.lists(st.integers(min_value=0, max_value=2**63 - 1)), spaced=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_are_parted_by_commas_with_or_without_spaces(ids: list[int], spaced: bool) -> None:
    text = (", " if spaced else ",").join(map(str, ids))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OWNER_IDS", text)
        patch.setenv("ALLOWED_GUILD_IDS", text)
        environment = load().environment
    assert environment.owner_ids == environment.allowed_guild_ids == tuple(ids)


def test_the_log_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert load().environment.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OWNER_IDS", "12,somebody"),
        ("ALLOWED_GUILD_IDS", "1.5"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("WEB_PORT", "70000"),
        ("WEB_PORT", "eighty"),
        ("SHUTDOWN_SECONDS", "0"),
        ("SHUTDOWN_SECONDS", "nan"),
        ("SHUTDOWN_SECONDS", "601"),
        ("DISCORD_API_URL", "http://discord.example/api"),
        ("DISCORD_API_URL", "discord.com/api"),
        ("DISCORD_API_URL", "http://localhost.example/api"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variables_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    told = refusal()
    assert told.startswith(name)
    assert "environment or .env" in told


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_PORT", "-1")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    told = refusal()
    assert "WEB_PORT:" in told
    assert "LOG_FORMAT:" in told


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api",
        "https://proxy.example:8443/discord/api",
        "http://127.0.0.1:8420/api",
        "http://localhost:8420/api",
    ],
)
def test_the_token_goes_over_https_or_stays_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_API_URL", url + "/")
    assert load().environment.discord_api_url == url


def test_a_local_name_before_an_at_sign_is_not_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISCORD_API_URL", "http://localhost:pw@discord.example/api")
    assert refusal().startswith("DISCORD_API_URL")


def test_the_ipv6_loopback_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_URL", "http://[::1]:8420/api")
    assert load().environment.discord_api_url == "http://[::1]:8420/api"


def test_an_api_url_without_a_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_API_URL", "https:///api")
    assert refusal().startswith("DISCORD_API_URL")


def test_these_are_the_secrets() -> None:
    assert SECRETS == ["backend_api_key", "backend_password", "discord_token"]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_secret_may_stand_in_a_file(
    name: str, where: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text("  fröm-a-file \n", encoding="utf-8")
    if where == "environment":
        monkeypatch.setenv(f"{name.upper()}_FILE", str(folder / "secret"))
    else:
        (folder / ".env").write_text(f"{name.upper()}_FILE=secret\n")
    held = getattr(Environment(), name)
    assert held.get_secret_value() == "fröm-a-file"


def test_the_variable_itself_wins_over_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text("from-a-file")
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(folder / "secret"))
    monkeypatch.setenv("DISCORD_TOKEN", "itself")
    assert load().token == "itself"


def test_what_is_no_secret_is_not_read_from_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "port").write_text("1234")
    monkeypatch.setenv("WEB_PORT_FILE", str(folder / "port"))
    assert load().environment.web_port == 8080


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_file_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{name.upper()}_FILE", "nowhere")
    assert refusal().startswith(f"{name.upper()}_FILE: can't read the file it names (No such file")


def test_a_secret_file_that_is_not_text_is_named_and_not_quoted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_bytes(b"hush\xff\xfe")
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(folder / "secret"))
    told = refusal()
    assert told == "DISCORD_TOKEN_FILE: can't read the file it names (not a text file)"


def test_an_empty_secret_file_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "secret").write_text("\n")
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(folder / "secret"))
    assert refusal().startswith("DISCORD_TOKEN_FILE")


def test_a_dotenv_that_is_not_utf8_is_one_line(folder: Path) -> None:
    (folder / ".env").write_bytes("BACKEND_PASSWORD=caffè\n".encode("latin-1"))
    assert ".env" in refusal()


def test_a_secret_does_not_show_when_the_environment_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name.upper(), "open-sesame")
    shown = repr(Environment()) + str(Environment()) + Environment().model_dump_json()
    assert "open-sesame" not in shown
