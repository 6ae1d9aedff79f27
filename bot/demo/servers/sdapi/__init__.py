"""A stand-in for image servers that speak ``/sdapi/v1``, odd behaviour included.

It answers as the recorded real servers did (contract, ``sdapi-recorded.md``): A1111 1.10.1, or
another of ``KINDS``, each with exactly its differences (``manners``). It paints with the demo
painter: the bot, the tests and a first walk without a GPU all talk to it over HTTP.
"""

from bot.demo.servers.sdapi.faults import Faults
from bot.demo.servers.sdapi.server import KINDS, DemoImageServer

__all__ = ["KINDS", "DemoImageServer", "Faults"]
