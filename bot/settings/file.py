"""`easel.yaml`: several backends and the operator's ceilings.

`${VAR}` in any string is read from the environment, so that the file holds no secret.
Unknown keys are errors: a misspelt limit that is silently ignored would hurt later.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from bot.errors import ConfigurationError
from bot.settings.aws import Budget, DeploySettings, EksSettings, ExtensionSettings
from bot.settings.strict import Strict

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _without_empty(values: Any, *sections: str) -> Any:
    """A section with nothing under its name, or with all of it commented out, is not there."""
    if not isinstance(values, dict):
        return values
    return {k: v for k, v in values.items() if v is not None or k not in sections}


class Auth(Strict):
    """One of: `username` and `password` (HTTP Basic), `api_key` (x-api-key), `bearer`."""

    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    bearer: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Auth:
        basic = self.username is not None or self.password is not None
        ways = [basic, self.api_key is not None, self.bearer is not None]
        if sum(ways) > 1:
            msg = "give one of username and password, api_key, or bearer"
            raise ValueError(msg)
        if basic and (not self.username or self.password is None):
            msg = "username and password go together"
            raise ValueError(msg)
        if self.username and ":" in self.username:
            msg = "a user name can't hold a colon"
            raise ValueError(msg)
        return self

    def secrets(self) -> list[str]:
        """The secret values, for the log's mask."""
        held = (self.password, self.api_key, self.bearer)
        return [s.get_secret_value() for s in held if s is not None]


_OURS = ("prompt", "negative_prompt", "seed", "width", "height", "steps", "cfg_scale")
_SHAPES: dict[str, type | tuple[type, ...]] = {
    "override_settings": dict,
    "alwayson_scripts": dict,
    "script_args": list,
    "script_name": str,
    "styles": list,
}


def _payload(value: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError for what could never reach a server, or would never win."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError("holds a value that JSON can't carry (a date needs quotes)") from error
    if ours := [key for key in _OURS if key in value]:
        raise ValueError(f"{ours[0]} is Easel's own field and would always lose; take it out")
    for key, shape in _SHAPES.items():
        if key in value and not isinstance(value[key], shape):
            what = {dict: "a mapping", list: "a list", str: "a name"}[shape]  # type: ignore[index]
            raise ValueError(f"{key} must be {what}")
    for name, script in (value.get("alwayson_scripts") or {}).items():
        if not isinstance(script, dict) or not isinstance(script.get("args"), list):
            msg = f"alwayson_scripts.{name} must be a mapping with a list of args"
            raise ValueError(msg)  # noqa: TRY004 - pydantic hears ValueError only
    return value


Payload = Annotated[dict[str, Any], AfterValidator(_payload)]


class ModelSettings(Strict):
    """What the operator has to say of one checkpoint on one backend."""

    payload: Payload = Field(default_factory=dict)


class BackendSettings(Strict):
    """One image server.

    `timeout_seconds`: the longest one call for pictures may take, loading of the model included.
    `concurrency`: requests in flight at once (an A1111-style server paints one at a time).
    `rate` (requests per second) and `burst` (requests): the server's own throttle, if it has one;
    backends with the same host and key or user share it, and the smallest of theirs counts.
    `payload`: the operator's own fields, merged under Easel's. `models`: the same for one
    checkpoint, by its name or a pattern with `*`, merged over the backend's.
    `allow_load`: whether `/switch-model` also loads the checkpoint for a whole server; None is
    "while one server uses the bot". `previews`: whether cards show how far a picture has come.
    `eks`, `extension`, `deploy`, `budget`: see `bot.settings.aws`.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    kind: str = "sdapi"
    url: str
    auth: Auth = Auth()
    verify_tls: bool = True
    ca_file: Path | None = None
    timeout_seconds: float = Field(600.0, gt=0, le=86_400)
    concurrency: int = Field(1, ge=1, le=1000)
    rate: float | None = Field(None, gt=0, le=10_000)
    burst: int | None = Field(None, ge=1, le=10_000)
    payload: Payload = Field(default_factory=dict)
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    allow_load: bool | None = None
    previews: bool = True
    eks: EksSettings | None = None
    extension: ExtensionSettings | None = None
    deploy: DeploySettings | None = None
    budget: Budget = Budget()

    @model_validator(mode="before")
    @classmethod
    def _of_the_cloud(cls, values: Any) -> Any:
        """On AWS tasks wait and are painted side by side; the key's throttle is the document's."""
        values = _without_empty(values, "auth", "payload", "models", "extension", "budget")
        if isinstance(values, dict) and values.get("kind") in ("sd-on-eks", "sd-extension"):
            usual: dict[str, Any] = {"concurrency": 500}
            if values["kind"] == "sd-on-eks" and "rate" not in values:
                usual |= {"rate": 30.0, "burst": 50}
            if values["kind"] == "sd-extension":
                usual |= {"extension": {}}
            return usual | values
        return values

    @model_validator(mode="after")
    def _sections(self) -> BackendSettings:
        if self.kind == "sd-on-eks" and self.eks is None:
            msg = "kind sd-on-eks needs a section eks: with s3: and runtimes:"
            raise ValueError(msg)
        if self.kind in ("sd-on-eks", "sd-extension") and self.auth.api_key is None:
            msg = f"kind {self.kind} needs auth: {{api_key: …}}"
            raise ValueError(msg)
        return self

    def payload_for(self, model: str | None) -> dict[str, Any]:
        """The operator's fields for a checkpoint; mappings in them are merged key by key."""
        merged = dict(self.payload)
        for pattern, chosen in self.models.items():
            if model is None or not fnmatchcase(model.casefold(), pattern.casefold()):
                continue
            for key, value in chosen.payload.items():
                both = isinstance(value, dict) and isinstance(merged.get(key), dict)
                merged[key] = {**merged[key], **value} if both else value
        return merged

    def scripts(self) -> list[str]:
        """The names of all scripts that the operator's fields use."""
        found = []
        for payload in (self.payload, *(m.payload for m in self.models.values())):
            found += [*payload.get("alwayson_scripts", {})]
            found += [n] if (n := payload.get("script_name")) else []
        return list(dict.fromkeys(found))

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError as error:
            raise ValueError("is not a URL") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username or parts.password:
            raise ValueError("must not hold a password; use auth: {username, password}")
        if parts.query or parts.fragment:
            raise ValueError("must not hold ? or #")
        return value.rstrip("/")


_NESTED = (
    ("waiting_per_member", "waiting_per_guild"),
    ("waiting_per_guild", "waiting_total"),
    ("waiting_per_member", "waiting_total"),
)


class Limits(Strict):
    """The operator's ceilings, above every server's own.

    `max_pixels`: width × height of one picture. `waiting_*`: jobs that wait or run at once; one
    that is given is not above the next larger, and a default that is counts as that one.
    `affinity_seconds`: how long a job may be passed over so that the loaded checkpoint is used
    first. `max_wait_seconds`: what has waited longer is taken out of the line. `undelivered_mb`:
    while so many MiB of pictures are painted and not posted, nothing new is begun.
    """

    max_pixels: int = Field(2048 * 2048, ge=64 * 64, le=16_384 * 16_384)
    max_steps: int = Field(150, ge=1, le=150)
    max_count: int = Field(4, ge=1, le=10)
    waiting_per_member: int = Field(5, ge=1)
    waiting_per_guild: int = Field(50, ge=1)
    waiting_total: int = Field(500, ge=1)
    affinity_seconds: float = Field(60.0, ge=0, le=3600)
    max_wait_seconds: float = Field(7200.0, ge=60, le=86_400)
    undelivered_mb: int = Field(256, ge=16, le=65_536)

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        given = self.model_fields_set
        for lower, upper in _NESTED:
            least, most = getattr(self, lower), getattr(self, upper)
            if lower in given and least > most:
                held = "" if upper in given else ", its default"
                msg = (
                    f"{lower} ({least}) is above {upper} ({most}{held}) and would never be "
                    "reached: lower the one or raise the other"
                )
                raise ValueError(msg)
        return self


class EaselFile(Strict):
    """The whole of easel.yaml."""

    backends: tuple[BackendSettings, ...] = ()
    limits: Limits = Limits()

    @model_validator(mode="before")
    @classmethod
    def _written(cls, values: Any) -> Any:
        return _without_empty(values, "backends", "limits")

    @field_validator("backends")
    @classmethod
    def _names(cls, value: tuple[BackendSettings, ...]) -> tuple[BackendSettings, ...]:
        names = [b.name for b in value]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            msg = f"two backends are called {', '.join(twice)}"
            raise ValueError(msg)
        return value


def read_yaml(path: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The file as plain data with `${VAR}` filled in; `{}` when there is no such file.

    Raises ConfigurationError: not readable, not YAML, not a mapping, an unset variable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigurationError(f"EASEL_CONFIG: can't read {path} ({reason})") from error
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}" if mark else ""
        # The parser's own words can repeat a password that was not quoted.
        raise ConfigurationError(
            f"{path}: not valid YAML{where}; put values with special characters in quotes"
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path}: not valid YAML; put values with special characters in quotes"
        ) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: must be a mapping with backends: and limits:")
    try:
        return {str(key): _fill(value, str(key), path, environ) for key, value in data.items()}
    except RecursionError as error:
        raise ConfigurationError(f"{path}: an alias in it names itself") from error


def _fill(value: Any, key: str, path: Path, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: _fill(v, f"{key}.{k}", path, environ) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, f"{key}.{n}", path, environ) for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environ:
            raise ConfigurationError(f"{path}: {key}: the variable {name} is not set")
        return environ[name]

    return _VARIABLE.sub(variable, value)
