"""A stand-in for Amazon S3: one bucket, kept by moto, behind a front that is as strict as S3.

moto accepts any signature, so the front verifies them itself: a client that passes here signs,
and leaves out, what S3 wants (contract aws, section 2.5).
"""

from bot.demo.servers.s3.faults import S3Faults
from bot.demo.servers.s3.server import DemoS3

__all__ = ["DemoS3", "S3Faults"]
