"""Which release of the middleware is spoken: the one value that every room asks.

The first generation ("classic", v1.3.0) answers 200 to nearly everything and says in the body
what went wrong; the second (v1.5 to v1.7) uses real HTTP codes and one envelope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RELEASES: Final = ("1.3.0", "1.5.0", "1.6.0", "1.7.0")


@dataclass(frozen=True)
class Generation:
    """One release, e.g. ``1.7.0``."""

    version: str

    @property
    def classic(self) -> bool:
        """The generation of the published document: non-proxy lambdas, errors in a 200."""
        return self.version < "1.4"

    @property
    def debugs(self) -> bool:
        """Every answer holds links to the lambda's logs (since 1.6)."""
        return self.version >= "1.6"

    @property
    def starts_with_id(self) -> bool:
        """The answer to "start" has ``InferenceJobId`` beside ``inference`` (since 1.6)."""
        return self.version >= "1.6"


def generation_of(name: str) -> Generation:
    """The release of this name, with or without ``v`` and ``.0``: "v1.3", "1.7.0".

    Raises ``ValueError`` for any that is not one of ``RELEASES``.
    """
    version = name.removeprefix("v")
    if version.count(".") == 1:
        version += ".0"
    if version not in RELEASES:
        raise ValueError(f"no such release: {name} (there are {', '.join(RELEASES)})")
    return Generation(version)
