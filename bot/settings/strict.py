"""The base of all that is read from easel.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt limit that is silently ignored would hurt later."""

    model_config = ConfigDict(extra="forbid", frozen=True)
