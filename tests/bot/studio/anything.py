"""Whatever a member may type and an operator may set, for the property tests of this room."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.settings import Limits
from bot.studio import Aspect, DrawOptions
from bot.studio.extra import KEYS
from tests.bot.studio.ordering import LIBRARY

names = st.none() | st.text(max_size=8) | st.sampled_from(["Latent", "kl-f8", "GFPGAN", "Euler"])
pairs = st.lists(
    st.tuples(
        st.sampled_from(KEYS) | st.text(max_size=9),
        st.sampled_from(["2", "0.4", "true", "Latent", "refiner", "NV"]) | st.text(max_size=9),
    ).map(": ".join),
    max_size=6,
).map(", ".join)
floats = st.none() | st.floats() | st.floats(0, 4)
whole_numbers = st.none() | st.integers(-3, 14) | st.integers()
any_options = st.builds(
    DrawOptions,
    prompt=st.text(max_size=30) | st.just("<lora:add_detail:1> __animal__ {a|b}"),
    negative_prompt=st.none() | st.text(max_size=30),
    style=st.none() | st.sampled_from(LIBRARY.styles.names) | st.text(max_size=8),
    lora=st.none() | st.sampled_from(["add_detail:0.5", "paper"]) | st.text(max_size=12),
    size=st.none() | st.sampled_from(Aspect),
    width=st.none() | st.integers(0, 5000),
    height=st.none() | st.integers(0, 5000),
    steps=whole_numbers,
    sampler=names,
    scheduler=names,
    cfg_scale=floats,
    seed=whole_numbers,
    count=whole_numbers,
    hires=floats,
    hires_upscaler=names,
    hires_strength=floats,
    vae=names,
    clip_skip=whole_numbers,
    face_restoration=names,
    tiling=st.none() | st.booleans(),
    extra=st.none() | pairs | st.text(max_size=40),
)
any_limits = st.builds(
    Limits,
    max_pixels=st.integers(128 * 128, 4096 * 4096),
    max_steps=st.integers(1, 150),
    max_count=st.integers(1, 10),
)
