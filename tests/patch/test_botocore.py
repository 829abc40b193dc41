"""boto3 with Bedrock, over the real library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standin import Answer, Behaviour, Standin

from cachy import CacheMiss, disable_cachy, enable_cachy

boto3 = pytest.importorskip("boto3")
botocore = pytest.importorskip("botocore")

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Hello"}]}]
BODY = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9})
KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "none"}


@pytest.fixture(autouse=True)
def _alone(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials of this machine, and nothing left behind."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield
    disable_cachy()


def client(**options: Any) -> Any:
    return boto3.session.Session().client("bedrock-runtime", **options)


def converse(bedrock: Any) -> Any:
    answer = bedrock.converse(modelId=MODEL, messages=MESSAGES)
    return answer["output"], answer["usage"], answer["ResponseMetadata"]["RequestId"]


def converse_stream(bedrock: Any) -> Any:
    return list(bedrock.converse_stream(modelId=MODEL, messages=MESSAGES)["stream"])


def invoke(bedrock: Any) -> Any:
    answer = bedrock.invoke_model(modelId=MODEL, body=BODY)
    answer["body"].set_socket_timeout(5)
    return answer["contentType"], json.loads(answer["body"].read())


def invoke_in_lines(bedrock: Any) -> Any:
    return list(bedrock.invoke_model(modelId=MODEL, body=BODY)["body"].iter_lines(chunk_size=10))


def invoke_stream(bedrock: Any) -> Any:
    answer = bedrock.invoke_model_with_response_stream(modelId=MODEL, body=BODY)
    return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]


CALLS = (converse, converse_stream, invoke, invoke_in_lines, invoke_stream)
each_call = pytest.mark.parametrize("call", CALLS)


@each_call
def test_recorded_and_replayed(
    call: Callable[[Any], Any], standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    recorded = call(client(**KEYS))
    assert recorded
    assert (session.stats.recorded, len(standin.calls)) == (1, 1)
    standin.refuse = True
    assert call(client(**{**KEYS, "aws_access_key_id": "AKIAOTHER"})) == recorded
    assert session.stats.hits == 1
    assert not session.stats.bypassed
    # Without credentials, and nobody is asked for some.
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert call(client()) == recorded
    assert len(standin.calls) == 1


@each_call
def test_a_miss_is_raised_at_once(
    call: Callable[[Any], Any], standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="no recording"):
        call(client())
    assert session.stats.misses == 1  # it was not retried
    assert standin.calls == []


def test_httpx_replays_what_boto3_recorded(standin: Standin, tmp_path: Path) -> None:
    """No header of the signature is in the key."""
    enable_cachy(cache_dir=tmp_path)
    output, _, _ = converse(client(**KEYS))
    sent = standin.calls[0]
    enable_cachy(cache_dir=tmp_path, mode="replay")
    url = f"https://{sent.host}{sent.path}"
    answer = httpx.post(url, content=sent.body, headers={"content-type": "application/json"})
    assert answer.json()["output"] == output


def test_the_kind_of_an_error_is_kept(standin: Standin, tmp_path: Path) -> None:
    """botocore finds it in a header alone."""
    answer = Answer(
        400,
        {
            "content-type": "application/json",
            "x-amzn-errortype": "ValidationException:http://internal.amazon.com/",
        },
        b'{"message": "The model is not there."}',
    )
    for mode in ("auto", "auto", "replay"):
        bedrock = client(**KEYS)
        enable_cachy(cache_dir=tmp_path, errors=True, mode=mode)
        with (
            standin.behave(Behaviour(answer=answer)),
            pytest.raises(bedrock.exceptions.ValidationException, match="The model is not there"),
        ):
            converse(bedrock)
    assert len(standin.calls) == 1


def test_credentials_that_the_user_has_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert boto3.session.Session().get_credentials().access_key == "AKIAREAL"


def test_without_credentials_live_calls_fail_as_ever(
    standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a client that was made while replaying."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    bedrock = client()
    session.mode = "auto"
    for each in (bedrock, client()):
        with pytest.raises(botocore.exceptions.NoCredentialsError):
            converse(each)
    assert standin.calls == []


def test_a_stubbed_client_is_a_fake(tmp_path: Path) -> None:
    from botocore.stub import Stubber

    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    bedrock = client()
    with Stubber(bedrock) as stubber:
        answer = {
            "output": {"message": {"role": "assistant", "content": []}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        }
        stubber.add_response("converse", answer)
        assert bedrock.converse(modelId=MODEL, messages=MESSAGES)["stopReason"] == "end_turn"
    assert session.stats.misses == 0
