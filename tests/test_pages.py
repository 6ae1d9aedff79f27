"""The pages for the services of AWS: an operator can copy what stands there, and every route of
the published documents has its row, with the command that uses it or why none does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.handbook import commands
from bot.settings import Settings, load

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
EKS = ROOT / "docs" / "aws-eks.md"
EXTENSION = ROOT / "docs" / "aws-sd-extension.md"
PAGES = [EKS, EXTENSION]
NOT_OFFERED = "Not offered, because "
SUBCOMMANDS = (1, 2)
"""Discord's types of what stands below a command."""

# By hand from the published documents, whole: also what only a heading or only a list names.
EKS_ROUTES = ["POST /v1alpha1", "POST /v1alpha2"]
EKS_TASKS = ["text-to-image", "image-to-image", "pipeline"]
WEBUI_ROUTES = [
    "GET /docs",
    "POST /sdapi/v1/txt2img",
    "POST /sdapi/v1/img2img",
    "GET /sdapi/v1/sd-models",
    "POST /sdapi/v1/options",
]
EXTENSION_ROUTES = [
    "GET /inference/test-connection",
    "GET /inference/list-inference-jobs",
    "GET /inference/get-inference-job",
    "GET /inference/get-inference-job-image-output",
    "GET /inference/get-inference-job-param-output",
    "POST /inference/v2",
    "POST /endpoints",
    "DELETE /endpoints",
    "GET /endpoints",
    "GET /inference/get-endpoint-deployment-job",
    "GET /inference/generate-s3-presigned-url-for-uploading",
    "GET /inference/get-texual-inversion-list",
    "GET /inference/get-lora-list",
    "GET /inference/get-hypernetwork-list",
    "GET /inference/get-controlnet-model-list",
    "POST /inference/run-model-merge",
    "POST /model",
    "PUT /model",
    "GET /models",
    "GET /checkpoint",
    "POST /checkpoint",
    "PUT /checkpoint",
    "GET /checkpoints",
    "PUT /inference/v2/{id}/run",
    "PUT /train",
    "GET /trains",
    "POST /dataset",
    "PUT /dataset",
    "GET /datasets",
    "GET /{dataset_name}/data",
    "POST /upload_checkpoint",
]
LATER = ["/train", "/trains", "/dataset", "/datasets", "/{dataset_name}/data", "/run-model-merge"]


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The page's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)


def rows(page: Path) -> list[tuple[str, str]]:
    """What a row under *Routes* is about, and who uses it."""
    routes = text(page).partition("\n## Routes\n")[2]
    lines = [line for line in routes.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(first.strip("`"), second) for first, second, *_ in cells]


def settings(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the bot reads when the page's `.env` and `easel.yaml` are copied as they stand."""
    for variable in ("BACKEND_KIND", "BACKEND_URL", "BACKEND_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    (example,) = blocks(page, "yaml")
    written, env = folder / "easel.yaml", folder / ".env"
    written.write_text(example, encoding="utf-8")
    env.write_text(blocks(page, "sh")[0].replace("…", "my-value"), encoding="utf-8")
    monkeypatch.setenv("EASEL_CONFIG", str(written))
    return load(env)


@pytest.mark.parametrize(
    ("page", "routes"),
    [(EKS, EKS_ROUTES + EKS_TASKS + WEBUI_ROUTES), (EXTENSION, EXTENSION_ROUTES)],
    ids=["eks", "extension"],
)
def test_every_published_route_has_its_row(page: Path, routes: list[str]) -> None:
    listed = [route for route, _ in rows(page)]
    assert [route for route in routes if listed.count(route) != 1] == []
    assert len(routes) == len(set(routes))


def paths(given: Iterable[dict[str, Any]], above: str = "") -> Iterator[str]:
    """All that may be typed: commands, their groups and what is in these."""
    for one in given:
        path = f"{above} {one['name']}".lstrip()
        yield f"/{path}"
        groups = [o for o in one.get("options", ()) if o.get("type") in SUBCOMMANDS]
        yield from paths(groups, path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_a_row_names_commands_that_exist_or_why_there_is_none(page: Path) -> None:
    ours = set(paths(await commands()))
    for route, use in rows(page):
        named = re.findall(r"`(/[^`]+)`", use)
        assert set(named) <= ours, f"{route}: {use}"
        assert named or use.startswith(NOT_OFFERED), f"{route}: {use}"


def test_training_datasets_and_model_merge_are_said_to_come_later() -> None:
    later = [(route, use) for route, use in rows(EXTENSION) if route.endswith(tuple(LATER))]
    assert len(later) == 7
    assert all(use.startswith(NOT_OFFERED) and "later" in use for _, use in later)


def test_the_example_for_eks_is_taken_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (backend,) = settings(EKS, tmp_path, monkeypatch).backends
    assert backend.kind == "sd-on-eks" and backend.eks is not None
    assert backend.url.endswith(".amazonaws.com/prod")
    assert [r.type for r in backend.eks.runtimes] == ["sdruntime", "sdruntime", "comfyui"]
    assert (backend.rate, backend.burst, backend.concurrency) == (30.0, 50, 500)
    assert backend.budget.pictures_per_day == 500


def test_the_example_for_the_extension_is_taken_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (backend,) = settings(EXTENSION, tmp_path, monkeypatch).backends
    assert backend.kind == "sd-extension" and backend.extension is not None
    assert backend.extension.user == "api"
    assert backend.deploy is not None and backend.deploy.max_instances == 2
    assert set(backend.deploy.usd_per_hour) == set(backend.deploy.types)


def test_the_extension_also_comes_from_three_lines_of_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://abcdefghij.execute-api.eu-central-1.amazonaws.com/prod"
    env = tmp_path / ".env"
    lines = ["BACKEND_KIND=sd-extension", f"BACKEND_URL={url}", "BACKEND_API_KEY=key"]
    env.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EASEL_CONFIG", raising=False)
    (backend,) = load(env).backends
    assert (backend.kind, backend.url) == ("sd-extension", url)


def test_the_policy_for_eks_allows_its_own_folder_and_no_more() -> None:
    policy, uploads, lifecycle = map(json.loads, blocks(EKS, "json"))
    assert policy["Version"] == "2012-10-17"
    look, read = policy["Statement"]
    assert look["Action"] == "s3:ListBucket"
    assert look["Condition"] == {"StringLike": {"s3:prefix": "easel/*"}}
    assert read["Action"] == "s3:GetObject"
    assert uploads["Action"] == ["s3:PutObject", "s3:GetObject"]
    assert read["Resource"].endswith("/easel/*") and uploads["Resource"].endswith("/easel/*")
    assert prefixes(lifecycle) == ["easel/"]


def test_the_rules_for_the_extension_spare_its_models() -> None:
    (lifecycle,) = map(json.loads, blocks(EXTENSION, "json"))
    assert len(prefixes(lifecycle)) == 4
    models = "Stable-diffusion/checkpoint/custom/8b0c/model.safetensors"
    assert not any(models.startswith(prefix) for prefix in prefixes(lifecycle))


def prefixes(lifecycle: dict[str, Any]) -> list[str]:
    """Where a lifecycle configuration deletes."""
    rules = lifecycle["Rules"]
    assert all(r["Status"] == "Enabled" and r["Expiration"]["Days"] > 0 for r in rules)
    return [r["Filter"]["Prefix"] for r in rules]


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", text(page))
    inside = [t.partition("#")[0] for t in targets if not t.startswith(("http", "#"))]
    assert [t for t in inside if not (page.parent / t).exists()] == []


def test_readme_leads_to_both_pages() -> None:
    assert all(f"](docs/{page.name})" in text(README) for page in PAGES)
