"""What a guest may ask: draw, redraw, cancel, which models there are.

The rules are applied here, from memory: `families` knows what suits each family of models,
`search` finds names as people type them, `compose` turns options into a complete request,
`studio` is the desk that the cogs speak to.
"""

from bot.studio.compose import Aspect, DrawOptions
from bot.studio.studio import Studio

__all__ = ["Aspect", "DrawOptions", "Studio"]
