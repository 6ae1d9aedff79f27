"""Every form of yes and no that the middleware and its gateway have (contracts, aws 2.1, 2.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.http import Answer
from bot.backends.sd_extension_answers import UnknownJob, UnknownKeys, failed, value_of
from bot.backends.sd_extension_api import job_of
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendUnreachable,
)


def says(body: Any, status: int = 200) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, "application/json", raw)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"statusCode": 200, "message": "pong"}, {"statusCode": 200, "message": "pong"}),
        ({"message": "Success"}, {"message": "Success"}),
        ({"statusCode": 200, "data": {"a": 1}, "debug": {}}, {"a": 1}),
        ({"statusCode": "200,", "trains": []}, {"statusCode": "200,", "trains": []}),
        ([], []),
        (["https://x/image_0.jpg"], ["https://x/image_0.jpg"]),
        ("null", None),
        ("", None),
        ('"Endpoint deleted"', "Endpoint deleted"),
        (
            {"InferenceJobId": "1", "status": "failed", "error": "x"},
            {"InferenceJobId": "1", "status": "failed", "error": "x"},
        ),
    ],
)
def test_a_yes(body: Any, value: Any) -> None:
    assert value_of(says(body)) == value


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"statusCode": 400, "errMsg": "bad task"}, BackendRefused, "400: bad task"),
        ({"statusCode": 400, "errMsg": ["a", "b"]}, BackendRefused, "400: a b"),
        ({"statusCode": "500", "error": "oh"}, BackendFailed, "500: oh"),
        ({"statusCode": 500, "msg": "'Gone'"}, BackendFailed, "'Gone'"),
        ({"status": 500, "err": "fail to prepare"}, BackendFailed, "500: fail to prepare"),
        ({"status": 400, "err": "models should be there"}, BackendRefused, "models"),
        ({"errMsg": "no code"}, BackendFailed, "no code"),
        ({"statusCode": 404}, BackendRefused, "404: no words"),
        (
            {"errorMessage": "boom", "errorType": "KeyError", "stackTrace": []},
            BackendFailed,
            "KeyError: boom",
        ),
        (
            {"errorMessage": "__init__() got an unexpected keyword argument 'prompt'"},
            UnknownKeys,
            "prompt",
        ),
        ({"errorMessage": 'user: "x" not exist'}, BackendRejectedCredentials, "extension.user"),
        (
            {"statusCode": 400, "errMsg": ["checkpoint with name x, type Lora is not found"]},
            BackendRefused,
            "is not found",
        ),
        ({"statusCode": 500, "errMsg": "list index out of range"}, BackendFailed, "no endpoint"),
        (
            {"statusCode": 500, "errMsg": "sagemaker endpoint is not ready with status: Updating"},
            BackendBusy,
            "Updating",
        ),
        ({"detail": "CUDA out of memory"}, BackendOutOfMemory, "CUDA"),
    ],
)
def test_a_no_in_a_200(body: Any, kind: type[BackendError], words: str) -> None:
    with pytest.raises(kind) as error:
        value_of(says(body))
    assert words in str(error.value)
    assert words not in error.value.sentence


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"message": "Forbidden"}, BackendRejectedCredentials),
        (403, {"message": "Missing Authentication Token"}, BackendBadAnswer),
        (403, {"statusCode": 403, "message": "User x has no permissions: []"}, BackendError),
        (401, {"message": "Unauthorized"}, BackendRejectedCredentials),
        (429, {"message": "Too Many Requests"}, BackendBusy),
        (500, {"message": "Internal server error"}, BackendUnreachable),
        (500, {"message": None}, BackendUnreachable),
        (502, {"message": "Internal server error"}, BackendUnreachable),
        (503, "<html>busy</html>", BackendUnreachable),
        (504, {"message": "Endpoint request timed out"}, BackendUnreachable),
        (500, {"detail": "There is no inference job info item for id: x"}, UnknownJob),
        (500, {"detail": "Inference job id must not be None or empty"}, BackendFailed),
        (500, {"statusCode": 500, "message": "boto is unhappy"}, BackendFailed),
        (404, {"statusCode": 404, "message": "inference with id none not found"}, UnknownJob),
        (400, {"statusCode": 400, "message": "InferenceJobId x not found"}, UnknownJob),
        (400, {"message": "[object has missing required properties]"}, BackendRefused),
        (400, {"message": "{'error': 'odd'}"}, BackendFailed),
        (400, {"message": "{'error': 'CUDA out of memory'}"}, BackendOutOfMemory),
        (413, {"message": "Request Too Long"}, BackendRefused),
        (302, "", BackendFailed),
    ],
)
def test_a_no_with_a_code(status: int, body: Any, kind: type[BackendError]) -> None:
    with pytest.raises(kind):
        value_of(says(body, status))


@pytest.mark.parametrize("body", ["<html>", "{", "no json"])
def test_a_200_that_is_no_json(body: str) -> None:
    with pytest.raises(BackendBadAnswer, match="instead of JSON"):
        value_of(says(body))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists) | st.binary())
def test_any_answer_is_a_value_or_one_of_our_errors(body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    for status in (200, 400, 403, 500):
        try:
            value_of(Answer(status, "", raw))
        except BackendError:
            continue


KEYS = ["statusCode", "status", "errMsg", "err", "error", "errorMessage", "detail", "data"]


@given(st.dictionaries(st.sampled_from(KEYS), st.none() | st.integers() | st.text(max_size=5)))
def test_any_object_is_a_value_or_one_of_our_errors(body: dict[str, Any]) -> None:
    try:
        value_of(says(body))
    except BackendError:
        return


# -- jobs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "good"),
    [
        ("created", None),
        ("inprogress", None),
        ("inprocess", None),
        ("succeed", True),
        ("failed", False),
        ("failure", False),
    ],
)
def test_the_words_for_how_a_job_stands(status: str, good: bool | None) -> None:
    assert job_of({"InferenceJobId": "1", "status": status}).good is good


@pytest.mark.parametrize(
    "body",
    [
        {"inference_id": "1", "status": "inprogress", "endpoint_name": "e"},
        {"status": 200, "inference": {"inference_id": "1", "endpoint_name": "e"}},
        {"statusCode": 200, "inference": {"inference_id": "1", "endpoint_name": "e"}},
        {"InferenceJobId": "1", "status": "inprogress", "inference": {"endpoint_name": "e"}},
        {"InferenceJobId": "1", "params": {"sagemaker_inference_endpoint_name": "e"}},
        {"inference": {"id": "1"}, "endpoint_name": "e"},
    ],
)
def test_a_started_job_is_told_in_many_ways(body: Any) -> None:
    job = job_of(body)
    assert (job.id, job.endpoint, job.good) == ("1", "e", None)


@pytest.mark.parametrize("body", [None, [], "1", {}, {"inference": {}}, {"inference_id": 7}])
def test_a_job_without_an_id(body: Any) -> None:
    with pytest.raises(BackendBadAnswer):
        job_of(body)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("{'failureReason': 'it broke', 'awsRegion': 'x'}", "it broke"),
        ('{"error": "odd"}', '{"error": "odd"}'),
        ("{'failureReason': 'cut of", "{'failureReason': 'cut of"),
        ("", "nothing says why"),
        (None, "nothing says why"),
        ({"not": "text"}, "nothing says why"),
        ("(" * 500, "((("),
    ],
)
def test_why_a_job_failed(raw: Any, words: str) -> None:
    error = failed(raw)
    assert type(error) is BackendFailed
    assert words in str(error)
    assert len(str(error)) <= 500
