"""What other programs call samplers and schedules, in the web UI's names."""

from __future__ import annotations

import pytest

from bot.images.webui_names import sampler_of, scheduler_of


@pytest.mark.parametrize(
    ("name", "sampler", "schedule"),
    [
        ("euler", "Euler", ""),
        ("k_euler_ancestral", "Euler a", ""),
        ("euler_a", "Euler a", ""),
        ("dpmpp_2m", "DPM++ 2M", ""),
        ("dpmpp_2m_k", "DPM++ 2M", "Karras"),
        ("dpmpp_3m_sde_gpu", "DPM++ 3M SDE", ""),
        ("k_dpmpp_2s_ancestral", "DPM++ 2S a", ""),
        ("kdpm_2_a_k", "DPM2 a", "Karras"),
        ("k_dpm_2", "DPM2", ""),
        ("uni_pc_bh2", "UniPC", ""),
        ("DPM++ 2M SDE Karras", "DPM++ 2M SDE", "Karras"),
        ("DPM++ 2M", "DPM++ 2M", ""),
        ("res_multistep", "res_multistep", ""),
        ("", "", ""),
    ],
)
def test_a_sampler_in_the_web_uis_words(name: str, sampler: str, schedule: str) -> None:
    assert sampler_of(name) == (sampler, schedule)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("karras", "Karras"),
        ("sgm_uniform", "SGM Uniform"),
        ("ddim_uniform", "DDIM"),
        ("Align Your Steps", "Align Your Steps"),
        ("native", ""),
        ("linear_quadratic", "linear_quadratic"),
    ],
)
def test_a_schedule_in_the_web_uis_words(name: str, label: str) -> None:
    assert scheduler_of(name) == label
