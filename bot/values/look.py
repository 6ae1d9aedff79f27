"""Colours of the cards' left edge, one for each face; the demo's player reads the error one."""

CALM_COLOUR = 0x5B8DEF
"""Waiting and drawing."""
DONE_COLOUR = 0x3BA55D
"""A finished picture."""
ERROR_COLOUR = 0xD9534F
"""An answer that tells of a failure or a refusal; nothing else uses it."""
QUIET_COLOUR = 0x80848E
"""Cancelled, deleted, said for information."""
