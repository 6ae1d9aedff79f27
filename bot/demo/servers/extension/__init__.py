"""A stand-in for the middleware of the Stable Diffusion AWS extension, two generations of it.

It answers as tag v1.3.0 does (whose document calls itself "2023-07-05"), or as v1.5 to v1.7 do
(contract aws, section 2): gateway, lambdas, SageMaker endpoints and the results in S3. Behind
each SageMaker endpoint stands the demo's A1111, which gets the sdapi body as it is.
"""

from bot.demo.servers.extension.faults import Faults
from bot.demo.servers.extension.server import DemoExtension
from bot.demo.servers.extension.tables import Checkpoint, Endpoint, Job

__all__ = ["Checkpoint", "DemoExtension", "Endpoint", "Faults", "Job"]
