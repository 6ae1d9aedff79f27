"""Every environment variable that Easel reads: its name, its default and its sentence.

`.env.example` is rendered from this class, and a test keeps the two the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.errors import ConfigurationError

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
Ids = Annotated[tuple[int, ...], NoDecode]


class Environment(BaseSettings):
    """The environment and `.env` (the environment wins); empty values count as unset.

    A secret can also be given as `NAME_FILE`, the path of a file that holds it (container
    secrets). `SecretStr` keeps it out of logs and messages.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    discord_token: SecretStr | None = Field(
        None, description="The bot's token: Discord Developer Portal, your application, Bot."
    )
    discord_api_url: str = Field(
        "https://discord.com/api",
        description="Where Discord's REST API is; only developers ever change it.",
    )
    discord_proxy: str | None = Field(
        None, description="An HTTP proxy for all traffic to Discord, e.g. http://proxy:3128."
    )
    owner_ids: Ids = Field(
        (), description="Discord user ids of the operators, separated by commas."
    )
    owner_guild_ids: Ids = Field(
        (),
        description="The servers that get /backend, separated by commas; empty: those that one of "
        "OWNER_IDS owns.",
    )
    allowed_guild_ids: Ids = Field(
        (), description="Only these servers are served, separated by commas; empty: all."
    )
    backend_kind: str = Field("sdapi", description="What kind of image server it is: sdapi.")
    backend_url: str | None = Field(
        None, description="The image server, e.g. http://127.0.0.1:7860 (a path in it is kept)."
    )
    backend_username: str | None = Field(
        None, description="The user name of `--api-auth`, if the server has one."
    )
    backend_password: SecretStr | None = Field(
        None, description="The password of `--api-auth`, if the server has one."
    )
    backend_api_key: SecretStr | None = Field(
        None, description="An API key, sent as x-api-key, for servers behind a gateway."
    )
    database_url: str = Field(
        "sqlite:///data/easel.db",
        description="The database: sqlite:///relative/path or sqlite:////absolute/path.",
    )
    keep_days: float = Field(
        90.0,
        ge=1,
        le=36_500,
        description="How many days ended jobs, their prompts and the history of choices are kept.",
    )
    easel_config: Path = Field(
        Path("easel.yaml"),
        description="The file with several backends and the limits; it may be missing.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json for log collectors."
    )
    web_host: str = Field(
        "127.0.0.1", description="The address of the health page; 0.0.0.0 in a container."
    )
    web_port: int = Field(
        8080, ge=0, le=65535, description="The port of the health page; 0 turns the page off."
    )
    shutdown_seconds: float = Field(
        8.0,
        gt=0,
        le=600,
        description="How long a stop may take, in seconds; the running job gets half of it.",
    )

    @field_validator("owner_ids", "owner_guild_ids", "allowed_guild_ids", mode="before")
    @classmethod
    def _split_ids(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part for part in value.replace(",", " ").split() if part)
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("discord_api_url")
    @classmethod
    def _api_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host = parts.hostname
        except ValueError as error:
            raise ValueError("is not a URL") from error
        # The token travels in a header: plain HTTP is for the loopback only.
        local = parts.scheme == "http" and host in LOCAL_HOSTS
        if not host or not (local or parts.scheme == "https"):
            raise ValueError("must begin with https:// (http:// only for this machine itself)")
        return value.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Adds `NAME_FILE`, of the environment and of `.env`, each below its own `NAME`."""
        return (
            init_settings,
            env_settings,
            SecretFiles(settings_cls, env_settings),
            dotenv_settings,
            SecretFiles(settings_cls, dotenv_settings),
        )


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME_FILE` for every secret field (the convention of container secrets)."""

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        *sources: PydanticBaseSettingsSource,
    ) -> None:
        super().__init__(settings_cls)
        self._sources = [
            s for s in sources if isinstance(s, EnvSettingsSource | DotEnvSettingsSource)
        ]

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The secret in the file that `NAME_FILE` names, or None.

        Raises ConfigurationError when the file cannot be read.
        """
        if not is_secret(field):
            return None, field_name, False
        key = f"{field_name}_file"
        for source in self._sources:
            path = source.env_vars.get(key)
            if path:
                return _read_secret(Path(path), key.upper()), field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All secrets that were given as files."""
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            if name in self.current_state:
                continue  # given by a source above; a broken file does not matter
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


def is_secret(field: FieldInfo) -> bool:
    """Whether a field holds a secret (its type mentions SecretStr)."""
    return "SecretStr" in str(field.annotation)


def _read_secret(path: Path, key: str) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigurationError(f"{key}: can't read the file it names ({reason})") from error
    if not secret:
        raise ConfigurationError(f"{key}: the file it names is empty")
    return secret


def render_env_example() -> str:
    """The text of `.env.example`: every variable, its sentence and its default.

    Variables that have no default stand commented out.
    """
    lines = [
        "# Copy to .env and fill in. The environment wins over this file.",
        "# A secret NAME can also be given as NAME_FILE, the path of a file that holds it.",
    ]
    for name, field in Environment.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(map(str, default))
        lines.append("")
        lines.append(f"# {field.description}")
        if default is None or default == "":
            lines.append(f"#{name.upper()}=")
        else:
            shown = int(default) if isinstance(default, float) else default
            lines.append(f"{name.upper()}={shown}")
    return "\n".join(lines) + "\n"
