"""The one table from kind to class. A new backend is one new file and one line here."""

from __future__ import annotations

from bot.backends.base import Backend, Keeper
from bot.backends.quota import Quotas
from bot.backends.sd_extension import SdExtension
from bot.backends.sd_on_eks import SdOnEks
from bot.backends.sdapi import SdApi
from bot.errors import ConfigurationError
from bot.settings import BackendSettings

KINDS: dict[str, type[Backend]] = {
    SdApi.kind: SdApi,
    SdOnEks.kind: SdOnEks,
    SdExtension.kind: SdExtension,
}


def build(
    settings: BackendSettings, quotas: Quotas | None = None, memory: Keeper | None = None
) -> Backend:
    """The painter of a setting. Raises ConfigurationError for an unknown kind.

    Painters that are built with the same `quotas` share what they may spend of the same key;
    what one must know of its server after a restart is kept in `memory`.
    """
    kind = KINDS.get(settings.kind)
    if kind is None:
        known = ", ".join(sorted(KINDS))
        raise ConfigurationError(
            f"backend {settings.name}: kind {settings.kind!r} is unknown (known: {known}): "
            "correct BACKEND_KIND, or kind: in easel.yaml"
        )
    return kind(settings, quotas, memory)
