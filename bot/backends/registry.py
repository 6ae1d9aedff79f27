"""The one table from kind to class. A new backend is one new file and one line here."""

from __future__ import annotations

from bot.backends.base import Backend
from bot.backends.sdapi import SdApi
from bot.errors import ConfigurationError
from bot.settings import BackendSettings

KINDS: dict[str, type[Backend]] = {
    SdApi.kind: SdApi,
}


def build(settings: BackendSettings) -> Backend:
    """The painter of a setting. Raises ConfigurationError for an unknown kind."""
    kind = KINDS.get(settings.kind)
    if kind is None:
        known = ", ".join(sorted(KINDS))
        raise ConfigurationError(
            f"backend {settings.name}: kind {settings.kind!r} is unknown (known: {known}): "
            "correct BACKEND_KIND, or kind: in easel.yaml"
        )
    return kind(settings)
