"""The manners of the servers that speak ``/sdapi/v1``, so that the stand-in can play each.

``manner`` says what can differ, ``table`` holds the servers side by side; a function that a
server needs of its own stands in the file of that server.
"""

from bot.demo.servers.sdapi.manners.manner import Manner
from bot.demo.servers.sdapi.manners.table import MANNERS

__all__ = ["MANNERS", "Manner"]
