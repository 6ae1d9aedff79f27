"""The demo painter: pictures from a prompt's words and hash, with Pillow alone.

It stands in for a diffusion model so that the whole way of a request can be walked without
a GPU. The same order always gives the same bytes; another seed, prompt, model, sampler or
number of steps gives another picture.
"""

from bot.demo.painter.easel import draw, paint, preview
from bot.demo.painter.order import PaintOrder
from bot.demo.painter.pool import PainterPool

__all__ = ["PaintOrder", "PainterPool", "draw", "paint", "preview"]
