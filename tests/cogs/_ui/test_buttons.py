"""Button ids say what they act on, for ever, and nobody else's are taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs._ui.buttons import Action, Press, row


@given(st.integers(0, 2**63 - 1), st.sampled_from(Action))
def test_an_id_that_was_written_is_read_again(job_id: int, action: Action) -> None:
    assert Press.parse(f"job:{job_id}:{action}") == Press(job_id, action)


async def test_every_rendered_button_is_read_again() -> None:
    rows = row(2**63 - 1, *Action).to_components()
    rendered = [button for one in rows for button in one["components"]]
    pressed = [Press.parse(b["custom_id"]) for b in rendered]
    assert pressed == [Press(2**63 - 1, action) for action in Action]
    assert all(len(b["custom_id"]) <= 100 for b in rendered)
    assert all(0 < len(b["label"]) <= 80 for b in rendered)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "job",
        "job:1",
        "job:1:",
        "job::again",
        "job:1:again:",
        "job:1:again:more",
        "job:-1:again",
        "job:1.5:again",
        "job:+1:again",
        "job: 1:again",
        "job:1_0:again",
        "job:0x1:again",
        "job:one:again",
        "job:1:explode",
        "job:1:AGAIN",
        "Job:1:again",
        " job:1:again",
        "page:1:again",
        "job:²:again",
        "job:" + "9" * 5000 + ":again",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_an_id_of_another_form_is_nobodys(foreign: str) -> None:
    assert Press.parse(foreign) is None


@given(st.text(max_size=100) | st.text("job:0123456789again", max_size=40))
def test_any_id_is_read_or_left_alone(custom_id: str) -> None:
    press = Press.parse(custom_id)
    if press is not None:
        head, number, action = custom_id.split(":")
        assert (head, int(number), Action(action)) == ("job", press.job_id, press.action)


async def test_a_row_is_only_rendered_and_never_stored() -> None:
    """py-cord walks every item of every stored view at each click (contracts, discord 5.2.4)."""
    view = row(1, Action.CANCEL)
    assert view.timeout is None
    assert not view._store


async def test_a_row_holds_what_was_asked_for_in_its_order() -> None:
    (rendered,) = row(1, Action.RETRY, Action.DELETE).to_components()
    assert rendered["type"] == 1
    assert [b["label"] for b in rendered["components"]] == ["Try again", "Delete"]
    assert all(b["type"] == 2 for b in rendered["components"])
