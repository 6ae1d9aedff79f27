"""A stand-in for Stable Diffusion web UI 1.10.1's REST API, odd behaviour included.

It answers as the recorded real server did (contract, ``sdapi-recorded.md``) and paints with
the demo painter: the bot, the tests and a first walk without a GPU all talk to it over HTTP.
"""

from bot.demo.servers.sdapi.faults import Faults
from bot.demo.servers.sdapi.server import DemoImageServer

__all__ = ["DemoImageServer", "Faults"]
