"""Brings the environment and easel.yaml together into one frozen `Settings`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from bot.errors import ConfigurationError
from bot.settings.environment import Environment
from bot.settings.file import Auth, BackendSettings, EaselFile, Limits, read_yaml

_BACKEND_VARIABLES = ("backend_url", "backend_username", "backend_password", "backend_api_key")


@dataclass(frozen=True)
class Settings:
    """All that the operator chose. `backends` may be empty: `run` refuses that, `demo` does not."""

    environment: Environment
    backends: tuple[BackendSettings, ...]
    limits: Limits

    @property
    def token(self) -> str:
        """Discord's bot token. Raises ConfigurationError when there is none."""
        secret = self.environment.discord_token
        if secret is None:
            raise ConfigurationError(
                "DISCORD_TOKEN is not set: copy .env.example to .env and paste the bot's token"
            )
        return secret.get_secret_value().strip()

    @property
    def database_path(self) -> Path:
        """The SQLite file. Raises ConfigurationError for any other kind of DATABASE_URL."""
        url = self.environment.database_url
        prefix = "sqlite:///"
        if not url.startswith(prefix) or url.removeprefix(prefix) in ("", ":memory:"):
            raise ConfigurationError("DATABASE_URL: must look like sqlite:///data/easel.db")
        return Path(url.removeprefix(prefix))

    def on_stage(
        self, *, token: str, api_url: str, database: Path, backend: BackendSettings
    ) -> Settings:
        """The same for the demo: its own token, database and Discord, whatever `.env` says.

        `backend` is used when none is configured.
        """
        environment = self.environment.model_copy(
            update={
                "discord_token": SecretStr(token),
                "discord_api_url": api_url,
                "discord_proxy": None,
                "allowed_guild_ids": (),
                "database_url": f"sqlite:///{database}",
                "web_port": 0,
                "shutdown_seconds": 2.0,
            }
        )
        backends = self.backends or (backend,)
        return replace(self, environment=environment, backends=backends)

    def secrets(self) -> list[str]:
        """Every secret value in force, for the log's mask."""
        held = [self.environment.discord_token]
        found = [s.get_secret_value().strip() for s in held if s is not None]
        for backend in self.backends:
            found += backend.auth.secrets()
            found += backend.eks.s3.secrets() if backend.eks else []
        if self.environment.discord_proxy:
            found.append(urlsplit(self.environment.discord_proxy).password or "")
        return [s for s in found if s]


def load(env_file: Path | None = Path(".env")) -> Settings:
    """Reads the environment, `env_file` and the file that EASEL_CONFIG names.

    Raises ConfigurationError with one line that names every wrong key.
    """
    try:
        environment = Environment(_env_file=env_file)
    except ValidationError as error:
        raise ConfigurationError(f"{_lines(error, upper=True)} (environment or .env)") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{env_file}: must be a text file in UTF-8") from error
    path = environment.easel_config
    if path != Environment.model_fields["easel_config"].default and not path.exists():
        raise ConfigurationError(f"EASEL_CONFIG: there is no file {path}")
    try:
        written = EaselFile.model_validate(read_yaml(path, _variables(env_file)))
    except ValidationError as error:
        raise ConfigurationError(f"{_lines(error)} ({path})") from error
    return Settings(environment, _backends(environment, written, path), written.limits)


def _variables(env_file: Path | None) -> dict[str, str]:
    """What `${VAR}` may name: the environment over `.env`."""
    held = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    return {k: v for k, v in held.items() if v is not None} | dict(os.environ)


def _backends(
    environment: Environment, written: EaselFile, path: Path
) -> tuple[BackendSettings, ...]:
    given = [n.upper() for n in _BACKEND_VARIABLES if getattr(environment, n) is not None]
    if given and written.backends:
        raise ConfigurationError(
            f"{given[0]} (environment) and backends: ({path}) are both set: keep one of them"
        )
    if not given:
        if written.backends and environment.backend_kind != "sdapi":
            raise ConfigurationError(
                f"BACKEND_KIND (environment) and backends: ({path}) are both set: keep one of them"
            )
        return written.backends
    if environment.backend_url is None:
        raise ConfigurationError(f"{given[0]} is set, but BACKEND_URL is not")
    try:
        auth = Auth(
            username=environment.backend_username,
            password=environment.backend_password,
            api_key=environment.backend_api_key,
        )
    except ValidationError as error:
        names = ", ".join(n for n in given if n != "BACKEND_URL")
        reason = error.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{names}: {reason} (environment or .env)") from error
    try:
        only = BackendSettings(
            name="main", kind=environment.backend_kind, url=environment.backend_url, auth=auth
        )
    except ValidationError as error:
        raise ConfigurationError(f"BACKEND_{_lines(error, upper=True)}") from error
    return (only,)


def _lines(error: ValidationError, *, upper: bool = False) -> str:
    """`key: what is wrong`, joined; never the value, which may be a secret."""
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(p) for p in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{key.upper() if upper else key}: {message}" if key else message)
    return "; ".join(parts)
