"""What single servers and the finer options need in the bodies: each trap by its number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends import sdapi_payload
from bot.backends.sdapi_dialect import FORGE_MODULES, MINIMAL, Dialect
from bot.values.request import Hires, Rare
from tests.bot.backends.orders import request

OWN = {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic", "face_restoration_model": "GFPGAN"}
A1111 = Dialect(own=OWN)
STRICT = Dialect(minimal=True, wide=False)
SD_CPP = Dialect(wide=False, lora_paths={"detail": "detail.st", "Papercut": "cut.st"})
ENCODERS = ["/models/text_encoder/clip_l.safetensors", "/models/text_encoder/t5xxl.safetensors"]
FORGE = Dialect(
    own={FORGE_MODULES: [*ENCODERS, "/models/VAE/ae.safetensors"]},
    forge=True,
)


def body(
    dialect: Dialect = A1111, operator: dict[str, Any] | None = None, **order: Any
) -> dict[str, Any]:
    return sdapi_payload.painting(request(**order), "easel-1-1", dialect, operator or {})


# -- strict servers --------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "negative_prompt": "fog",
    "model": "tinyA",
    "sampler": "Euler",
    "scheduler": "Karras",
    "count": 3,
    "hires": Hires(),
    "vae": "x",
    "clip_skip": 2,
    "faces": "ADetailer",
    "tiling": True,
    "rare": Rare(eta=0.5, ensd=3, rng="NV"),
}


def test_a_strict_server_gets_the_least_keys_alone() -> None:
    """Draw Things refuses the whole order for one key that it does not know (trap 17)."""
    sent = body(STRICT, **EVERYTHING)
    assert set(sent) == MINIMAL - {"init_images", "denoising_strength", "mask"}


def test_a_strict_servers_operator_knows_better() -> None:
    assert body(STRICT, {"refiner_start": 0.7})["refiner_start"] == 0.7


# -- the second pass -------------------------------------------------------------------------------


def test_a_second_pass_names_its_strength_and_leaves_out_the_rest() -> None:
    """Without a strength it is a 500 (trap 14)."""
    sent = body(hires=Hires(scale=1.5))
    assert {key: value for key, value in sent.items() if "hr" in key or key[:3] == "den"} == {
        "enable_hr": True,
        "hr_scale": 1.5,
        "hr_upscaler": "Latent",
        "hr_second_pass_steps": 0,
        "denoising_strength": 0.5,
    }


def test_a_second_pass_with_everything() -> None:
    hires = Hires(
        scale=2,
        upscaler="R-ESRGAN 4x+",
        strength=0,
        steps=9,
        checkpoint="tinyB",
        sampler="Euler",
        scheduler="Karras",
        prompt="sharp",
        negative_prompt="fog",
        cfg_scale=0,
    )
    sent = body(FORGE, hires=hires)
    assert {key: value for key, value in sent.items() if key.startswith("hr_")} == {
        "hr_scale": 2.0,
        "hr_upscaler": "R-ESRGAN 4x+",
        "hr_second_pass_steps": 9,
        "hr_checkpoint_name": "tinyB",
        "hr_sampler_name": "Euler",
        "hr_scheduler": "Karras",
        "hr_prompt": "sharp",
        "hr_negative_prompt": "fog",
        "hr_cfg": 0.0,
        "hr_additional_modules": ["Use same choices"],  # else a 500 there (trap 14)
    }
    assert sent["denoising_strength"] == 0


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [(A1111, "img2img"), (SD_CPP, "txt2img"), (STRICT, "txt2img")],
)
def test_no_second_pass_where_there_is_none(dialect: Dialect, kind: str) -> None:
    sent = body(dialect, hires=Hires(), kind=kind)
    assert not any("hr" in key for key in sent)


# -- options of one picture ------------------------------------------------------------------------


def test_options_of_one_picture_lie_over_the_servers_own() -> None:
    """All of them go each time, changed or not (trap 5)."""
    assert body()["override_settings"] == OWN
    sent = body(model="tinyA", clip_skip=2, vae="kl-f8.pt", faces="CodeFormer")
    assert sent["override_settings"] == {
        "sd_model_checkpoint": "tinyA",
        "CLIP_stop_at_last_layers": 2,
        "sd_vae": "kl-f8.pt",
        "face_restoration_model": "CodeFormer",
    }
    assert sent["restore_faces"] is True


def test_the_operators_options_lie_between() -> None:
    theirs = {"override_settings": {"CLIP_stop_at_last_layers": 3, "sd_vae": "theirs"}}
    assert body(A1111, theirs)["override_settings"] == OWN | theirs["override_settings"]
    assert body(A1111, theirs, clip_skip=2)["override_settings"] == OWN | {
        "CLIP_stop_at_last_layers": 2,
        "sd_vae": "theirs",
    }


def test_a_server_that_ignores_overrides_is_sent_none() -> None:
    assert "override_settings" not in body(SD_CPP, model="tinyA")


@pytest.mark.parametrize(
    ("vae", "modules"),
    [
        (None, [*ENCODERS, "/models/VAE/ae.safetensors"]),
        ("Automatic", [*ENCODERS, "/models/VAE/ae.safetensors"]),
        ("None", ENCODERS),
        ("sdxl_vae.safetensors", [*ENCODERS, "sdxl_vae.safetensors"]),
    ],
)
def test_forge_keeps_its_text_encoders_beside_another_vae(
    vae: str | None, modules: list[str]
) -> None:
    assert body(FORGE, vae=vae)["override_settings"] == {FORGE_MODULES: modules}


def test_forge_on_windows_is_told_its_vae_by_the_files_name() -> None:
    paths = [r"D:\forge\models\VAE\t5xxl.safetensors", r"D:\forge\models\text_encoder\ae.sft"]
    windows = Dialect(own={FORGE_MODULES: paths}, forge=True)
    sent = body(windows, vae="new_vae.sft")["override_settings"][FORGE_MODULES]
    assert sent == [paths[0], "new_vae.sft"]


def test_rare_fields_go_where_they_belong() -> None:
    rare = Rare(
        variation_seed=0,
        variation_strength=0.0,
        refiner="tinyB",
        refiner_switch_at=0.8,
        eta=0.0,
        ensd=0,
        rng="CPU",
        distilled_cfg_scale=3.5,
        token_merging=0.0,
    )
    sent = body(rare=rare, tiling=True)
    fields = {
        "subseed": 0,
        "subseed_strength": 0.0,
        "refiner_checkpoint": "tinyB",
        "refiner_switch_at": 0.8,
        "eta": 0.0,
        "distilled_cfg_scale": 3.5,
        "tiling": True,
    }
    assert {key: sent[key] for key in fields} == fields
    assert sent["override_settings"] == OWN | {
        "eta_noise_seed_delta": 0,
        "randn_source": "CPU",
        "token_merging_ratio": 0.0,
    }


# -- faces -----------------------------------------------------------------------------------------


def test_adetailer_is_a_script_and_no_option() -> None:
    """Its values are checked by its own server: unknown keys would switch it off in silence."""
    sent = body(A1111, {"alwayson_scripts": {"other": {"args": []}}}, faces="ADetailer")
    assert sent["alwayson_scripts"] == {
        "other": {"args": []},
        "ADetailer": {"args": [True, False, {"ad_model": "face_yolov8n.pt"}]},
    }
    assert sent["override_settings"] == OWN
    assert "restore_faces" not in sent


def test_of_two_scripts_of_one_name_in_any_case_only_ours_goes() -> None:
    """Names are alike in any case (sdapi 2)."""
    theirs = {"alwayson_scripts": {"adetailer": {"args": [True, True, {}]}}}
    assert body(A1111, theirs)["alwayson_scripts"] == theirs["alwayson_scripts"]
    sent = body(A1111, theirs, faces="ADetailer")["alwayson_scripts"]
    assert sent == body(A1111, faces="ADetailer")["alwayson_scripts"]


def test_the_operators_script_for_one_model_wins_over_that_for_all_in_any_case() -> None:
    theirs = {"alwayson_scripts": {"FreeU": {"args": [1]}, "freeu": {"args": [2]}}}
    assert body(A1111, theirs)["alwayson_scripts"] == {"freeu": {"args": [2]}}


def test_without_a_wish_the_operators_faces_hold() -> None:
    assert "restore_faces" not in body()
    assert body(A1111, {"restore_faces": True})["restore_faces"] is True


# -- how many --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"), [("n_iter", (3, 1)), ("batch_size", (1, 3)), (None, (1, 1))]
)
def test_each_server_is_asked_for_several_pictures_in_its_own_way(
    key: str | None, expected: tuple[int, int]
) -> None:
    """A1111 one after the other, stable-diffusion.cpp in a batch, KoboldCpp never (sdapi 10)."""
    sent = body(replace(A1111, batch=key), count=3)
    assert (sent["n_iter"], sent["batch_size"]) == expected


# -- LoRAs of stable-diffusion.cpp -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "prompt", "loras"),
    [
        ("a cat <lora:detail:0.5>", "a cat", [("detail.st", 0.5)]),
        ("<lora:detail:-1> a <lora:Papercut> cat", "a cat", [("detail.st", -1), ("cut.st", 1)]),
        ("a <lora:detail:0.5:0.7>", "a", [("detail.st", 0.5)]),
        ("a <lora:detail:te=1>", "a", [("detail.st", 1)]),
        ("a <lora:detail:abc> <lora:detail:>", "a", [("detail.st", 1), ("detail.st", 1)]),
        ("a <lora:detail:nan>", "a", [("detail.st", 1)]),
        ("a <lora:nobodys:1>", "a <lora:nobodys:1>", None),
        ("a cat", "a cat", None),
    ],
)
def test_where_tags_do_nothing_loras_are_a_field_of_their_own(
    typed: str, prompt: str, loras: list[tuple[str, float]] | None
) -> None:
    """stable-diffusion.cpp: `lora: [{path, multiplier}]` (sdapi 10)."""
    sent = body(SD_CPP, prompt=typed)
    named = [{"path": path, "multiplier": weight} for path, weight in loras or []]
    assert (sent["prompt"], sent.get("lora")) == (prompt, named if loras else None)
    assert "lora" not in body(A1111, prompt=typed)


@given(st.text(max_size=12))
def test_whatever_stands_behind_a_loras_name_is_a_weight_or_1(typed: str) -> None:
    sent = body(SD_CPP, prompt=f"a cat <lora:detail:{typed}>")
    assert all(abs(lora["multiplier"]) < 10**4 for lora in sent.get("lora", []))
