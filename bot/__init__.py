"""Easel's house without its counter.

Easel is a studio. Guests stand at the counter (`cogs`). The studio (`bot.studio`) takes
orders; the queue (`bot.queue`) keeps them safe and in order; a worker carries each one to a
painter (`bot.backends`); a courier (`cogs.delivery`) brings the picture back to the guest.
Orders go down one stair, news comes up another. Who may import whom stands in
`pyproject.toml` under `[tool.importlinter]` and is checked by `make check`.
"""

VERSION = "0.1.0"
"""Also in pyproject.toml; a test compares."""
