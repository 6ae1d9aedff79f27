"""A stand-in for "Stable Diffusion on EKS": the gateway, its lambdas, and the agents behind them.

It answers as the service does (contract aws, section 1), the old release 1.1.0 or the new 1.2.0:
a task is published, an agent of the runtime it names runs it, and what came of it lies in S3.
Nothing else ever tells. The pictures are the demo painter's.
"""

from bot.demo.servers.eks.faults import EksFaults
from bot.demo.servers.eks.runtime import Runtime
from bot.demo.servers.eks.server import DemoEks

__all__ = ["DemoEks", "EksFaults", "Runtime"]
