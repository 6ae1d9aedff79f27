"""The shelf of models: titles that gain a hash when a model is first loaded (trap 19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.servers.sdapi.catalogue import MODELS_FOLDER, fake_hash


@dataclass
class Checkpoint:
    """One model file. ``hashed`` turns true at its first load and stays so."""

    name: str
    hashed: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def sha256(self) -> str:
        return fake_hash(self.name)

    @property
    def short_hash(self) -> str:
        return self.sha256[:10]

    @property
    def title(self) -> str:
        return f"{self.file} [{self.short_hash}]" if self.hashed else self.file

    @property
    def short_title(self) -> str:
        """As infotexts name a refiner: without the file's extension."""
        return f"{self.name} [{self.short_hash}]"

    def listed(self) -> dict[str, Any]:
        """One row of ``/sd-models``."""
        return {
            "title": self.title,
            "model_name": self.name,
            "hash": self.short_hash if self.hashed else None,
            "sha256": self.sha256 if self.hashed else None,
            "filename": f"{MODELS_FOLDER}/Stable-diffusion/{self.file}",
            "config": None,
        }

    def answers_to(self, name: str) -> bool:
        """Title, model name, file, and (once loaded) short and long hash."""
        names = {self.title, self.name, self.file}
        if self.hashed:
            names |= {self.short_hash, self.sha256, f"{self.name} [{self.short_hash}]"}
        return name in names


class Shelf:
    """All checkpoints, the first of which is loaded when the server starts, and Forge's modules.

    ``modules`` are the files of VAEs and text encoders.
    """

    def __init__(self, names: Sequence[str], modules: Sequence[str] = ()) -> None:
        self.modules = list(modules)
        self.checkpoints = [Checkpoint(name) for name in names]
        self.loaded = self.checkpoints[0]
        self.loaded.hashed = True

    def find(self, name: object) -> Checkpoint | None:
        """The checkpoint that goes by this name, or None."""
        if not isinstance(name, str):
            return None
        return next((row for row in self.checkpoints if row.answers_to(name)), None)
