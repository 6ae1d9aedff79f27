"""Brings the environment and easel.yaml together into one frozen `Settings`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.errors import ConfigurationError
from bot.settings.environment import Environment
from bot.settings.file import Auth, BackendSettings, EaselFile, Limits, read_yaml

_BACKEND_VARIABLES = ("backend_url", "backend_username", "backend_password", "backend_api_key")
_UNKNOWN = ("extra_forbidden", "invalid_key")
_OF_NUMBERS = ("int_", "float_", "finite_", "greater_than", "less_than")
_LIST = "must be a list: each entry begins with a dash"
_MAPPING = "must be a mapping (key: value)"
_TRUTH = "must be true or false"
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "must be text (a number needs quotes)",
    "string_pattern_mismatch": (
        "must be a short name of a-z, 0-9, - and _, beginning with a letter or digit"
    ),
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold {min_length} or more entries",
    "too_long": "must hold at most {max_length} entries",
    "literal_error": "must be {expected}",
    "path_type": "must be the path of a file",
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}
"""pydantic's types of errors in the operator's words; `{…}` is from the error's context."""


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
                "owner_guild_ids": (),
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
        told = _lines(error, Environment, upper=True)
        raise ConfigurationError(f"{told} (environment or .env)") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{env_file}: must be a text file in UTF-8") from error
    path = environment.easel_config
    if path != Environment.model_fields["easel_config"].default and not path.exists():
        raise ConfigurationError(f"EASEL_CONFIG: there is no file {path}")
    try:
        written = EaselFile.model_validate(read_yaml(path, _variables(env_file)))
    except ValidationError as error:
        raise ConfigurationError(f"{_lines(error, EaselFile)} ({path})") from error
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
        raise ConfigurationError(f"BACKEND_{_lines(error, BackendSettings, upper=True)}") from error
    return (only,)


def _lines(error: ValidationError, model: type[BaseModel], *, upper: bool = False) -> str:
    """`key: what is wrong`, joined; never the value, which may be a secret."""
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        place, kind, context = item["loc"], item["type"], item.get("ctx") or {}
        if kind in _UNKNOWN:
            place, message = place[:-1], _unknown(model, place)
        elif kind.startswith(_OF_NUMBERS):
            message = _number(_at(model, place)[1])
        elif kind in _WORDS:
            message = _WORDS[kind].format(**context).replace("'", "")
        else:
            message = item["msg"].removeprefix("Value error, ")
        key = ".".join(map(str, place))
        parts.append(f"{key.upper() if upper else key}: {message}" if key else message)
    return "; ".join(parts)


def _unknown(model: type[BaseModel], place: Sequence[int | str]) -> str:
    """A key that nobody reads, and the one that it may have been meant to be."""
    *above, key = place
    names = [*section.model_fields] if (section := _at(model, above)[0]) else []
    close = get_close_matches(str(key).lower(), names, n=1)
    return f"unknown key {key}" + (f" (did you mean {close[0]}?)" if close else "")


def _number(field: FieldInfo | None) -> str:
    """What a field takes, from its type and all of its bounds, whichever was broken."""
    bounds: dict[str, Any] = {}
    for each in field.metadata if field else ():
        for name in ("ge", "gt", "le"):
            if (bound := getattr(each, name, None)) is not None:
                bounds[name] = int(bound) if bound == int(bound) else bound
    what = "a number" if field and "float" in str(field.annotation) else "a whole number"
    if "ge" in bounds and "le" in bounds:
        return f"must be {what} from {bounds['ge']} to {bounds['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most"}
    return ", ".join([f"must be {what}", *(f"{words[n]} {value}" for n, value in bounds.items())])


def _at(
    model: type[BaseModel], place: Sequence[int | str]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The section that lies at a place in a model, if one does, and the last field before it."""
    here: Any = model
    field = None
    for part in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:  # an entry of a tuple, or of a mapping
            here = next((held for held in reversed(get_args(here)) if held is not ...), None)
        if get_origin(here) in (Union, UnionType):
            here = next(held for held in get_args(here) if held is not type(None))
    is_section = isinstance(here, type) and issubclass(here, BaseModel)
    return (here if is_section else None), field
