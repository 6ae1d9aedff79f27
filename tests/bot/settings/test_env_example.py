"""`.env.example` is the operator's first page: it stays what the code reads."""

from __future__ import annotations

import re
from pathlib import Path

from bot.settings import Environment, load, render_env_example

EXAMPLE = Path(__file__).parents[3] / ".env.example"
AGAIN = (
    "write it anew: python -c 'from bot.settings import render_env_example; "
    'print(render_env_example(), end="")\' > .env.example'
)
VARIABLE = re.compile(r"^(#?)([A-Z][A-Z_]*)=(.*)$", re.MULTILINE)


def test_the_example_is_what_the_settings_render() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render_env_example(), AGAIN


def test_it_holds_every_variable_once_with_its_sentence() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    names = [name for _, name, _ in VARIABLE.findall(text)]
    assert names == [name.upper() for name in Environment.model_fields], AGAIN
    for name in names:
        sentence = re.search(rf"^# (.+)\n#?{name}=", text, re.MULTILINE)
        assert sentence is not None, f"{name} has no sentence"
        assert sentence[1].endswith("."), f"{name}: {sentence[1]}"


def test_it_holds_no_secret_and_says_how_to_keep_one_in_a_file() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for name in ("DISCORD_TOKEN", "BACKEND_PASSWORD", "BACKEND_API_KEY"):
        assert f"\n#{name}=\n" in text
    assert "NAME_FILE" in text


def test_a_copy_of_it_changes_nothing(folder: Path) -> None:
    (folder / ".env").write_text(EXAMPLE.read_text(encoding="utf-8"))
    assert load() == load(env_file=None)


def test_uncommenting_every_line_changes_nothing_either(folder: Path) -> None:
    text = VARIABLE.sub(r"\2=\3", EXAMPLE.read_text(encoding="utf-8"))
    (folder / ".env").write_text(text)
    assert load() == load(env_file=None)
