"""What a guest may ask: draw, redraw, cancel, which models there are.

The rules are applied here, from memory: `families` knows what suits each family of models,
`library` holds what the operator keeps in resources/ (`styles` and the wildcards of `words`
beside the families), `catalogue` what is known of single checkpoints.
`search` finds names as people type them, `painters` knows who can paint
what. `compose` turns `options` into a complete request: `prompting` writes its prompts, `refine`
sees to the finer options and `extra`; `defaults` lays under it what was chosen here, `over`
begins with a guest's picture, `readings` with the settings of one. `shelf` shows what there is,
`rules` changes what is chosen, and `studio` is the desk that the cogs speak to. Its operators
have a room of their own, `owners`: `stewards` looks after rented machines, `idle` watches them,
and `budget` holds the ceilings of a day.
"""

from bot.studio.options import Aspect, DrawOptions
from bot.studio.over import OverOptions, UpscaleOptions
from bot.studio.studio import Studio

__all__ = ["Aspect", "DrawOptions", "OverOptions", "Studio", "UpscaleOptions"]
