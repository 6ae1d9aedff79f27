"""easel.yaml: what it may hold, `${VAR}`, and one line for everything that is wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.errors import ConfigurationError
from bot.settings import BackendSettings, Limits, load
from bot.settings.aws import Budget, DeploySettings, EksSettings, ExtensionSettings
from bot.settings.file import Auth, read_yaml
from bot.settings.strict import Strict

BACKEND = {"name": "gpu", "url": "http://gpu:7860"}


def write(folder: Path, text: str) -> Path:
    """The file under its usual name."""
    path = folder / "easel.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, data: object) -> str:
    """What `load` says about a file: one line that ends with the file's name."""
    write(folder, yaml.safe_dump(data))
    with pytest.raises(ConfigurationError) as failure:
        load()
    assert "\n" not in str(failure.value)
    assert "easel.yaml" in str(failure.value)
    return str(failure.value)


def test_a_missing_or_empty_file_means_the_defaults(folder: Path) -> None:
    assert load().limits == Limits()
    write(folder, "# nothing yet\n")
    assert load().limits == Limits()


def test_a_section_whose_lines_are_all_commented_out_is_not_there(folder: Path) -> None:
    write(folder, "limits:\n  # max_steps: 40\nbackends:\n")
    assert (load().limits, load().backends) == (Limits(), ())
    empty = dict.fromkeys(("auth", "payload", "models", "budget", "eks", "extension", "deploy"))
    write(folder, yaml.safe_dump({"backends": [BACKEND | empty]}))
    assert load().backends == (BackendSettings(**BACKEND),)


def test_several_backends_and_the_limits_are_read(folder: Path) -> None:
    write(
        folder,
        """
        backends:
          - name: near
            url: http://127.0.0.1:7860/
            auth: {username: ada, password: lace}
            timeout_seconds: 90
          - name: far
            kind: sdapi
            url: https://gpu.example/a/path
            auth: {api_key: k1}
            verify_tls: false
            rate: 2.5
            burst: 10
            payload: {restore_faces: true}
        limits: {max_steps: 40, waiting_total: 9}
        """,
    )
    chosen = load()
    near, far = chosen.backends
    assert (near.url, near.timeout_seconds, near.concurrency) == ("http://127.0.0.1:7860", 90, 1)
    assert near.auth.secrets() == ["lace"]
    assert (far.rate, far.burst, far.verify_tls) == (2.5, 10, False)
    assert far.payload == {"restore_faces": True}
    assert chosen.limits == Limits(max_steps=40, waiting_total=9)


def test_a_variable_is_filled_in_wherever_a_text_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_HOST", "gpu.example")
    monkeypatch.setenv("GPU_KEY", "k-$1-${GPU_HOST}")
    monkeypatch.setenv("GPU_TIME", "33")
    write(
        folder,
        """
        backends:
          - name: far
            url: https://${GPU_HOST}/sd
            auth: {bearer: "${GPU_KEY}"}
            timeout_seconds: ${GPU_TIME}
            payload: {list: ["${GPU_HOST}"], price: $5}
        """,
    )
    (far,) = load().backends
    assert far.url == "https://gpu.example/sd"
    assert far.timeout_seconds == 33
    # What a variable holds is taken as it is, not filled in again.
    assert far.auth.secrets() == ["k-$1-${GPU_HOST}"]
    assert far.payload == {"list": ["gpu.example"], "price": "$5"}


def test_a_variable_may_stand_in_dotenv_and_the_environment_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("ONE=from-dotenv\nTWO=from-dotenv\n")
    monkeypatch.setenv("TWO", "from-the-environment")
    write(folder, "backends: [{name: a, url: 'http://${ONE}'}, {name: b, url: 'http://${TWO}'}]")
    assert [b.url for b in load().backends] == ["http://from-dotenv", "http://from-the-environment"]


def test_a_variable_that_is_not_set_is_named_with_its_key(folder: Path) -> None:
    told = refusal(folder, {"backends": [BACKEND | {"auth": {"bearer": "${GPU_KEY}"}}]})
    assert told == "easel.yaml: backends.0.auth.bearer: the variable GPU_KEY is not set"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"limit": {}}, "unknown key limit "),
        ({"limits": {"max_pixel": 1}}, "limits: unknown key max_pixel "),
        ({"limits": {"max_steps": 0}}, "limits.max_steps:"),
        ({"limits": {"max_pixels": "many"}}, "limits.max_pixels:"),
        ({"limits": {"waiting_per_guild": 0}}, "limits.waiting_per_guild:"),
        ({"limits": []}, "limits:"),
        ({"backends": "gpu"}, "backends:"),
        ({"backends": [{"url": "http://gpu"}]}, "backends.0.name:"),
        ({"backends": [{"name": "gpu"}]}, "backends.0.url:"),
        ({"backends": [BACKEND, BACKEND | {"name": "Gross"}]}, "backends.1.name:"),
        ({"backends": [BACKEND, BACKEND]}, "backends: two backends are called gpu"),
        ({"backends": [BACKEND | {"url": "gpu:7860"}]}, "backends.0.url:"),
        ({"backends": [BACKEND | {"url": "http://gpu:port"}]}, "backends.0.url:"),
        ({"backends": [BACKEND | {"url": "http://me:pw@gpu"}]}, "backends.0.url:"),
        ({"backends": [BACKEND | {"url": "http://gpu/?a=b"}]}, "backends.0.url:"),
        ({"backends": [BACKEND | {"port": 7860}]}, "backends.0: unknown key port "),
        ({"backends": [BACKEND | {"concurrency": 0}]}, "backends.0.concurrency:"),
        ({"backends": [BACKEND | {"timeout_seconds": 0}]}, "backends.0.timeout_seconds:"),
        ({"backends": [BACKEND | {"rate": -1}]}, "backends.0.rate:"),
        ({"backends": [BACKEND | {"burst": 0}]}, "backends.0.burst:"),
        ({"backends": [BACKEND | {"verify_tls": "maybe"}]}, "backends.0.verify_tls:"),
        ({"backends": [BACKEND | {"auth": {"user": "a"}}]}, "backends.0.auth: unknown key user "),
        ({"backends": [BACKEND | {"auth": {"username": "a"}}]}, "backends.0.auth:"),
        ({"backends": [BACKEND | {"payload": []}]}, "backends.0.payload:"),
        ({"backends": [BACKEND | {7: 8}]}, "backends.0: unknown key 7 "),
    ],
)
def test_what_is_wrong_is_named_by_its_key(folder: Path, data: object, key: str) -> None:
    assert key in refusal(folder, data)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (
            {"waiting_per_menber": 5},
            "limits: unknown key waiting_per_menber (did you mean waiting_per_member?)",
        ),
        ({"color": 5}, "limits: unknown key color"),
        ({"max_steps": "many"}, "limits.max_steps: must be a whole number from 1 to 150"),
        ({"max_steps": 1.5}, "limits.max_steps: must be a whole number from 1 to 150"),
        ({"max_steps": 151}, "limits.max_steps: must be a whole number from 1 to 150"),
        ({"max_steps": None}, "limits.max_steps: must be a whole number from 1 to 150"),
        ({"waiting_total": 0}, "limits.waiting_total: must be a whole number, at least 1"),
        ({"affinity_seconds": "a"}, "limits.affinity_seconds: must be a number from 0 to 3600"),
        ([], "limits: must be a mapping (key: value)"),
        (
            {"waiting_per_member": 9, "waiting_total": 5, "waiting_per_guild": 5},
            "limits: waiting_per_member (9) is above waiting_per_guild (5) and would never be "
            "reached: lower the one or raise the other",
        ),
    ],
)
def test_a_wrong_limit_is_told_in_the_operators_words(
    folder: Path, limits: object, told: str
) -> None:
    assert refusal(folder, {"limits": limits}) == f"{told} (easel.yaml)"


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"waiting_per_member": 51}, "waiting_per_member (51) is above waiting_per_guild (50, its"),
        ({"waiting_per_guild": 600}, "waiting_per_guild (600) is above waiting_total (500, its"),
        ({"waiting_per_guild": 9, "waiting_total": 8}, "waiting_per_guild (9) is above waiting_"),
        ({"waiting_per_member": 9, "waiting_total": 8}, "waiting_per_member (9) is above waiting_"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(
    folder: Path, limits: dict[str, int], told: str
) -> None:
    assert told in refusal(folder, {"limits": limits})


def test_one_limit_may_be_lowered_alone(folder: Path) -> None:
    write(folder, "limits: {waiting_total: 1}")
    assert load().limits.waiting_total == 1
    write(folder, "limits: {waiting_per_member: 7, waiting_per_guild: 7, waiting_total: 7}")
    assert load().limits.waiting_per_member == 7


CLOUD: dict[str, Any] = BACKEND | {
    "kind": "sd-on-eks",
    "auth": {"api_key": "k"},
    "eks": {"s3": {"bucket": "pictures"}, "runtimes": [{"name": "sdxl"}]},
    "extension": {},
    "deploy": {"types": ["g5"], "usd_per_hour": {"g5": 1.0}},
    "budget": {},
    "models": {"x": {"payload": {}}},
}
WRONG = [None, "", "x", 5, -1, 1e12, float("nan"), True, [], [None], [7], {}, {"y": None}, {5: 6}]
PYDANTIC = ["nput", "String", "Field", "Tuple", "List", "Dict", "valid", "permitted", "type="]


def places(data: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where something stands in plain data."""
    pairs = [*data.items()] if isinstance(data, dict) else []
    pairs = [*enumerate(data)] if isinstance(data, list) else pairs
    return [at, *(place for key, held in pairs for place in places(held, (*at, key)))]


def having(data: Any, place: tuple[str | int, ...], value: object) -> Any:
    """The same data with something else in one place."""
    if not place:
        return value
    copy = data.copy()
    copy[place[0]] = having(data[place[0]], place[1:], value)
    return copy


def full() -> dict[str, Any]:
    """A file with every key in it."""
    sections: dict[str, type[Strict]] = {
        "eks": EksSettings,
        "extension": ExtensionSettings,
        "deploy": DeploySettings,
        "budget": Budget,
    }
    backend = dict.fromkeys(BackendSettings.model_fields, 0) | CLOUD
    for name, section in sections.items():
        backend[name] = dict.fromkeys(section.model_fields, 0) | CLOUD[name]
    return {"backends": [backend], "limits": dict.fromkeys(Limits.model_fields, 1)}


@pytest.mark.parametrize("place", places(full())[1:], ids=lambda at: ".".join(map(str, at)))
def test_nothing_wrong_is_told_in_the_words_of_a_library(
    place: tuple[str | int, ...], folder: Path
) -> None:
    for wrong in WRONG:
        write(folder, yaml.safe_dump(having(full(), place, wrong)))
        with pytest.raises(ConfigurationError) as failure:
            load()
        told = str(failure.value)
        assert not [word for word in PYDANTIC if word in told], told


def test_a_list_at_the_top_is_refused(folder: Path) -> None:
    assert "must be a mapping with backends: and limits:" in refusal(folder, [BACKEND])


def test_broken_yaml_is_told_with_its_line(folder: Path) -> None:
    path = write(folder, "limits:\n  max_steps: 3\n oops: [\n")
    with pytest.raises(ConfigurationError, match=r"easel\.yaml: not valid YAML in line 3"):
        read_yaml(path, {})


@pytest.mark.parametrize("content", [b"limits: caf\xe9", b"limits: \x00"])
def test_a_file_that_is_not_text_is_refused(folder: Path, content: bytes) -> None:
    (folder / "easel.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"easel\.yaml"):
        load()


def test_a_folder_in_the_files_place_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "conf").mkdir()
    monkeypatch.setenv("EASEL_CONFIG", "conf")
    with pytest.raises(ConfigurationError, match="EASEL_CONFIG: can't read conf"):
        load()


@given(text=st.text(st.sampled_from("abc:-[]{}#&*!|>'\"%@`, \n0"), max_size=40) | st.text())
@example(text="limits: {}")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_data_or_one_line(text: str, folder: Path) -> None:
    path = folder / "any.yaml"
    path.write_bytes(text.encode("utf-8"))
    try:
        data = read_yaml(path, {})
    except ConfigurationError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error).removeprefix(str(path))
    else:
        assert all(isinstance(key, str) for key in data)


@pytest.mark.parametrize("value", ["2024-02-31", "!!int many", "!!timestamp now", "&a [*a]"])
def test_a_value_that_yaml_cannot_build_is_one_line(folder: Path, value: str) -> None:
    path = write(folder, f"limits: {{max_steps: {value}}}")
    with pytest.raises(ConfigurationError, match=r"easel\.yaml: "):
        read_yaml(path, {})


@pytest.mark.parametrize("mark", ["*", "!"])
def test_an_unquoted_password_that_yaml_takes_for_a_mark_is_not_repeated(
    folder: Path, mark: str
) -> None:
    path = write(folder, f"backends: [{{auth: {{password: {mark}open-sesame }}}}]")
    with pytest.raises(ConfigurationError) as failure:
        read_yaml(path, {})
    assert "in line 1" in str(failure.value)
    assert "open-sesame" not in str(failure.value)


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"username": "a", "password": "b", "api_key": "c"}, "give one of"),
        ({"api_key": "a", "bearer": "b"}, "give one of"),
        ({"password": "b"}, "go together"),
        ({"username": "a"}, "go together"),
        ({"username": "", "password": "b"}, "go together"),
        ({"username": "a:b", "password": "b"}, "colon"),
    ],
)
def test_there_is_one_way_to_sign_in(auth: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Auth.model_validate(auth)


def test_an_open_server_needs_no_auth() -> None:
    assert BackendSettings(name="gpu", url="http://gpu").auth.secrets() == []
