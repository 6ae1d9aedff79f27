"""What the operator says of a backend on AWS: sections `eks:`, `extension:`, `s3:` of easel.yaml.

Sources of the defaults: contracts, aws 1 and 2.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from bot.settings.strict import Strict

FIRST_RESULT_SECONDS = 900.0
"""A cold start of a GPU node takes minutes; no sign of life tells that it will come."""


class S3Settings(Strict):
    """Where results lie. Without keys, the usual chain: environment, web identity, instance role.

    `endpoint`: of an S3-compatible store; then its buckets stand in the path.
    """

    bucket: str = Field(min_length=3, max_length=63)
    region: str = "us-east-1"
    endpoint: str | None = None
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    upload_bucket: str | None = None

    @model_validator(mode="after")
    def _both_keys(self) -> S3Settings:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            msg = "access_key_id and secret_access_key go together"
            raise ValueError(msg)
        return self

    def secrets(self) -> list[str]:
        """The secret values, for the log's mask."""
        held = (self.secret_access_key, self.session_token)
        return [s.get_secret_value() for s in held if s is not None]


class Runtime(Strict):
    """One runtime of Stable Diffusion on EKS, by its name there.

    `model`: the file that it was deployed with (`modelFilename`). `titles`: of a runtime with
    `dynamicModel: true`, all that it may be asked for, as `/sdapi/v1/sd-models` there lists them.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    type: Literal["sdruntime", "comfyui"] = "sdruntime"
    model: str | None = None
    titles: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Runtime:
        if self.type == "comfyui" and self.titles:
            msg = f"runtime {self.name}: titles are of Stable Diffusion runtimes only"
            raise ValueError(msg)
        return self


class EksSettings(Strict):
    """Stable Diffusion on EKS. `first_result_timeout` and `result_timeout` are in seconds: how
    long a task may take on a runtime that has brought nothing for a while, and on a warm one.

    `samplers`, `schedulers`, `upscalers`, `loras`, `vaes`: no route lists them, so members are
    offered these.
    """

    api_version: Literal["v1alpha1", "v1alpha2"] = "v1alpha2"
    s3: S3Settings
    runtimes: tuple[Runtime, ...] = Field(min_length=1)
    first_result_timeout: float = Field(FIRST_RESULT_SECONDS, ge=1, le=7200)
    result_timeout: float = Field(300.0, ge=1, le=7200)
    samplers: tuple[str, ...] = ("DPM++ 2M", "Euler a", "Euler", "DPM++ SDE", "DDIM", "UniPC")
    schedulers: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ("R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "Lanczos")
    loras: tuple[str, ...] = ()
    vaes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names(self) -> EksSettings:
        names = [runtime.name for runtime in self.runtimes]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            msg = f"two runtimes are called {', '.join(twice)}"
            raise ValueError(msg)
        if self.api_version == "v1alpha1" and any(
            r.type == "comfyui" or not r.model or r.titles for r in self.runtimes
        ):
            msg = "v1alpha1 reaches only Stable Diffusion runtimes by their model: no titles"
            raise ValueError(msg)
        return self


class ExtensionSettings(Strict):
    """The Stable Diffusion extension's middleware. `user`: who Easel is there.

    `generation`: "classic" is the document of 2023-07-05 (v1.1 to v1.3), "modern" v1.5 to v1.7,
    "auto" asks. `endpoint`: the inference endpoint; None lets the service choose among those of
    `user`. `real_time`: that endpoint answers at once. `flow`: how a classic one is asked.
    `first_result_timeout` and `result_timeout` are in seconds, as of `EksSettings`.
    """

    generation: Literal["auto", "classic", "modern"] = "auto"
    user: str = Field("api", min_length=1, max_length=100)
    endpoint: str | None = None
    real_time: bool = False
    flow: Literal["auto", "one-step", "two-step"] = "auto"
    first_result_timeout: float = Field(FIRST_RESULT_SECONDS, ge=1, le=7200)
    result_timeout: float = Field(300.0, ge=1, le=7200)
    samplers: tuple[str, ...] = ("DPM++ 2M", "Euler a", "Euler", "DPM++ SDE", "DDIM", "UniPC")
    schedulers: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ("R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "Lanczos")


class DeploySettings(Strict):
    """What owners may deploy from Discord; without it, nothing.

    `types`: instance types. `usd_per_hour`: what one instance of a type costs, for the
    confirmation. `idle_hours`: after so many without a picture the owner hears of it.
    """

    types: tuple[str, ...] = Field(min_length=1)
    max_instances: int = Field(1, ge=1, le=100)
    usd_per_hour: dict[str, float] = Field(default_factory=dict)
    idle_hours: float = Field(2.0, gt=0, le=720)

    @model_validator(mode="after")
    def _priced(self) -> DeploySettings:
        if unpriced := [t for t in self.types if t not in self.usd_per_hour]:
            msg = f"usd_per_hour lacks {', '.join(unpriced)}"
            raise ValueError(msg)
        return self


class Budget(Strict):
    """Ceilings per calendar day (UTC), above anything that admins set.

    `pictures_per_day`: of this backend in all; `per_guild`: of one server there.
    """

    pictures_per_day: int | None = Field(None, ge=1)
    per_guild: int | None = Field(None, ge=1)
