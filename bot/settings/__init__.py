"""What the operator has chosen: `.env` for secrets and the process, `easel.yaml` for painters.

`environment` declares every variable once (name, default, sentence). `file` reads easel.yaml.
`load` brings both together into `Settings`, frozen, which the architect (`bot.app`) hands down.
Every fault is a `ConfigurationError` whose one line names the key and where it stands.
"""

from bot.settings.environment import Environment, render_env_example
from bot.settings.file import BackendSettings, Limits
from bot.settings.load import Settings, load

__all__ = [
    "BackendSettings",
    "Environment",
    "Limits",
    "Settings",
    "load",
    "render_env_example",
]
