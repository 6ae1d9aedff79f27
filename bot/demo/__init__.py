"""Easel on a stage: everything that it needs from outside, played on this machine.

`discord` stands in for Discord (its wire, its limits, a page that looks like it), `servers`
for image servers, `painter` for the model; `player` plays `--say` lines as a member would;
`stage` starts the parts as processes and stops them together.
"""

DEMO_TOKEN = "demo.easel.token"  # noqa: S105 - the stand-in's own, worth nothing elsewhere
DISCORD_PORT = 8420
SERVER_PORT = 8421
S3_PORT = 8422
DEMO_USER = "demo"
DEMO_PASSWORD = "demo"  # noqa: S105 - the same
