"""What an operator deploys: the runtimes, as ``modelsRuntime`` of the service's config does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.demo.servers.sdapi import catalogue

Release = Literal["old", "new"]
"""v1.1.0 of the first repository, or v1.2.0 of its successor (contract aws, 1.7)."""
Api = Literal["v1alpha1", "v1alpha2"]
ENDING: Final = ".safetensors"


@dataclass(frozen=True)
class Runtime:
    """One runtime: ``kind`` "sd" is a WebUI, "comfy" a ComfyUI.

    ``model`` is the file loaded at the start (``modelFilename``), by which v1alpha1 finds a WebUI;
    None is whichever comes first. ``dynamic`` is ``dynamicModel``: the task's
    ``sd_model_checkpoint`` must be one of the WebUI's titles.
    """

    kind: Literal["sd", "comfy"] = "sd"
    model: str | None = None
    dynamic: bool = False

    @property
    def models(self) -> list[str]:
        """Names without their ending of all that lies in the models' folder, the loaded first."""
        own = [self.model.removesuffix(ENDING)] if self.model else []
        return own + [name for name in catalogue.MODELS if name not in own]
