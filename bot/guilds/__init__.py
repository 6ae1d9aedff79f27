"""What each server, channel and member has chosen, and who changed it when.

`choices` says which settings there are, what they may be, and what is in force where;
`store` keeps them and their history, and holds all of them in memory, since the first answer
to a command is decided without I/O.
"""

from bot.guilds.choices import KEYS, Effective, InForce, Key, Origin, Scope, Value, effective, parse
from bot.guilds.store import Change, Guilds

__all__ = [
    "KEYS",
    "Change",
    "Effective",
    "Guilds",
    "InForce",
    "Key",
    "Origin",
    "Scope",
    "Value",
    "effective",
    "parse",
]
