"""Jobs in the background: their start and their end are kept, and nothing between."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from cachy.rules import jobs
from cachy.rules.hosts import Hosts, doms
from cachy.rules.key import Request, canonical
from cachy.rules.verdict import Answer, flaw

OPENAI = "https://api.openai.com/v1"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l"
VEO = f"{VERTEX}/publishers/google/models/veo-3"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta"
DASHSCOPE = "https://dashscope.aliyuncs.com/api/v1"
WORKFLOW = "https://api.fireworks.ai/inference/v1/workflows/accounts/fireworks/models/flux"
AZURE = "https://r.cognitiveservices.azure.com/documentintelligence/documentModels/m"
ADDED = (
    *("api.replicate.com", "api.bfl.ai", "queue.fal.run", "api.dev.runwayml.com"),
    *("api.lumalabs.ai", "api.klingai.com", "jobs.example.com"),
    *("api.openai.com/v1/batches", "api.openai.com/v1/batches/*"),
)
hosts = Hosts((*doms, *ADDED))


class Ask(NamedTuple):
    """A request, and what it is answered."""

    method: str
    url: str
    answer: Any
    body: Any = None
    status: int = 200
    job: str = ""


def is_kept(ask: Ask) -> bool:
    route = hosts.route(ask.method, ask.url)
    assert route.cached, route.reason
    sent = b"" if ask.body is None else json.dumps(ask.body).encode()
    asked = canonical(Request(ask.method, ask.url, [], sent), known=route.known)
    body = json.dumps(ask.answer).encode() if ask.answer is not None else b""
    answer = Answer(ask.status, "application/json", body, ended=True, job=ask.job)
    return flaw(answer, poll=route.poll, known=route.known, file=route.file, asked=asked) is None


OPERATION = "projects/p/locations/l/publishers/google/models/veo-3/operations/7f3a"
JOBS: dict[str, tuple[Ask, list[Ask], Ask]] = {
    "OpenAI videos": (
        Ask("POST", f"{OPENAI}/videos", {"id": "video_1", "status": "queued"}, {"prompt": "a cat"}),
        [Ask("GET", f"{OPENAI}/videos/video_1", {"id": "video_1", "status": "in_progress"})],
        Ask("GET", f"{OPENAI}/videos/video_1", {"id": "video_1", "status": "completed"}),
    ),
    "OpenAI videos, from another": (
        Ask("POST", f"{OPENAI}/videos/video_1/remix", {"id": "video_2", "status": "queued"}, {}),
        [Ask("GET", f"{OPENAI}/videos/video_2", {"id": "video_2", "status": "queued"})],
        Ask("GET", f"{OPENAI}/videos/video_2", {"id": "video_2", "status": "completed"}),
    ),
    "OpenAI responses": (
        Ask(
            "POST",
            f"{OPENAI}/responses",
            {"id": "resp_1", "object": "response", "status": "queued", "output": []},
            {"model": "m", "input": "hi", "background": True},
        ),
        [Ask("GET", f"{OPENAI}/responses/resp_1", {"id": "resp_1", "status": "in_progress"})],
        Ask("GET", f"{OPENAI}/responses/resp_1", {"id": "resp_1", "status": "incomplete"}),
    ),
    "OpenAI batches, opted in": (
        Ask(
            "POST",
            f"{OPENAI}/batches",
            {"id": "batch_1", "object": "batch", "status": "validating"},
            {"input_file_id": "file-1", "endpoint": "/v1/responses"},
        ),
        [
            Ask("GET", f"{OPENAI}/batches/batch_1", {"id": "batch_1", "status": "in_progress"}),
            Ask("POST", f"{OPENAI}/batches/batch_1", {"id": "batch_1", "status": "finalizing"}),
        ],
        Ask("GET", f"{OPENAI}/batches/batch_1", {"id": "batch_1", "status": "completed"}),
    ),
    "Gemini": (
        Ask(
            "POST",
            f"{GOOGLE}/models/veo-3:predictLongRunning",
            {"name": "models/veo-3/operations/7f3a"},
            {"instances": [{"prompt": "a cat"}]},
        ),
        [
            Ask(
                "GET",
                f"{GOOGLE}/models/veo-3/operations/7f3a",
                {"name": "models/veo-3/operations/7f3a"},
            )
        ],
        Ask(
            "GET",
            f"{GOOGLE}/models/veo-3/operations/7f3a",
            {"name": "models/veo-3/operations/7f3a", "done": True, "response": {}},
        ),
    ),
    "Gemini interactions": (
        Ask(
            "POST",
            f"{GOOGLE}/interactions",
            {"id": "v1_abc", "status": "in_progress"},
            {"model": "m", "input": "hi", "background": True},
        ),
        [Ask("GET", f"{GOOGLE}/interactions/v1_abc", {"id": "v1_abc", "status": "in_progress"})],
        Ask("GET", f"{GOOGLE}/interactions/v1_abc", {"id": "v1_abc", "status": "completed"}),
    ),
    "Vertex": (
        Ask("POST", f"{VEO}:predictLongRunning", {"name": OPERATION, "done": False}, {}),
        [
            Ask("POST", f"{VEO}:fetchPredictOperation", answer, {"operationName": OPERATION})
            for answer in ({"name": OPERATION}, {"name": OPERATION, "done": False})
        ]
        + [Ask("POST", f"{VERTEX}/operations/7f3a:wait", {"name": "operations/7f3a"}, {})],
        Ask(
            "POST",
            f"{VEO}:fetchPredictOperation",
            {"name": OPERATION, "done": True, "response": {}},
            {"operationName": OPERATION},
        ),
    ),
    "DashScope": (
        Ask(
            "POST",
            f"{DASHSCOPE}/services/aigc/text2image/image-synthesis",
            {"request_id": "r1", "output": {"task_id": "t1", "task_status": "PENDING"}},
            {"model": "wan", "input": {"prompt": "a cat"}},
        ),
        [
            Ask(
                "GET",
                f"{DASHSCOPE}/tasks/t1",
                {"request_id": "r2", "output": {"task_id": "t1", "task_status": "RUNNING"}},
            )
        ],
        Ask("GET", f"{DASHSCOPE}/tasks/t1", {"output": {"task_status": "SUCCEEDED"}}),
    ),
    "Z.ai": (
        Ask(
            "POST",
            "https://api.z.ai/api/paas/v4/videos/generations",
            {"id": "8353992", "request_id": "r1", "task_status": "PROCESSING"},
            {"model": "cogvideox", "prompt": "a cat"},
        ),
        [
            Ask(
                "GET",
                "https://api.z.ai/api/paas/v4/async-result/8353992",
                {"task_status": "PROCESSING"},
            )
        ],
        Ask(
            "GET",
            "https://api.z.ai/api/paas/v4/async-result/8353992",
            {"task_status": "SUCCESS", "video_result": []},
        ),
    ),
    "xAI": (
        Ask(
            "POST",
            "https://api.x.ai/v1/chat/completions",
            {"request_id": "d1"},
            {"model": "grok", "messages": [], "deferred": True},
        ),
        [Ask("GET", "https://api.x.ai/v1/chat/deferred-completion/d1", {}, status=202)],
        Ask(
            "GET",
            "https://api.x.ai/v1/chat/deferred-completion/d1",
            {"id": "d1", "choices": [{"finish_reason": "stop", "message": {"content": "x"}}]},
        ),
    ),
    "Perplexity": (
        Ask(
            "POST",
            "https://api.perplexity.ai/async/chat/completions",
            {"id": "a1", "status": "CREATED"},
            {"request": {"model": "sonar"}},
        ),
        [
            Ask(
                "GET",
                "https://api.perplexity.ai/async/chat/completions/a1",
                {"id": "a1", "status": status},
            )
            for status in ("CREATED", "IN_PROGRESS")
        ],
        Ask(
            "GET",
            "https://api.perplexity.ai/async/chat/completions/a1",
            {"id": "a1", "status": "COMPLETED", "response": {}},
        ),
    ),
    "Azure, by a header": (
        Ask(
            "POST",
            f"{AZURE}:analyze?api-version=1",
            None,
            {"urlSource": "https://a.example/b.pdf"},
            202,
            f"{AZURE}/analyzeResults/9c1d?api-version=1",
        ),
        [Ask("GET", f"{AZURE}/analyzeResults/9c1d?api-version=1", {"status": "running"})],
        Ask("GET", f"{AZURE}/analyzeResults/9c1d?api-version=1", {"status": "succeeded"}),
    ),
    "Fireworks": (
        Ask("POST", WORKFLOW, {"request_id": "q1"}, {"prompt": "a cat"}),
        [Ask("POST", f"{WORKFLOW}/get_result", {"id": "q1", "status": "Pending"}, {"id": "q1"})],
        Ask("POST", f"{WORKFLOW}/get_result", {"id": "q1", "status": "Ready"}, {"id": "q1"}),
    ),
    "Replicate": (
        Ask(
            "POST",
            "https://api.replicate.com/v1/models/a/b/predictions",
            {"id": "rrr4z", "status": "starting", "urls": {"get": "https://x/rrr4z"}},
            {"input": {"prompt": "a cat"}},
            201,
        ),
        [
            Ask(
                "GET",
                "https://api.replicate.com/v1/predictions/rrr4z",
                {"id": "rrr4z", "status": "processing"},
            )
        ],
        Ask(
            "GET",
            "https://api.replicate.com/v1/predictions/rrr4z",
            {"id": "rrr4z", "status": "succeeded"},
        ),
    ),
    "BFL": (
        Ask(
            "POST",
            "https://api.bfl.ai/v1/flux-pro",
            {"id": "f1", "polling_url": "https://api.bfl.ai/v1/get_result?id=f1"},
            {"prompt": "a cat"},
        ),
        [
            Ask(
                "GET",
                "https://api.bfl.ai/v1/get_result?id=f1",
                {"id": "f1", "status": "Pending", "result": None},
            ),
            Ask(
                "POST",
                "https://api.bfl.ai/v1/get_result",
                {"id": "f1", "status": "Pending"},
                {"id": "f1"},
            ),
        ],
        Ask(
            "GET",
            "https://api.bfl.ai/v1/get_result?id=f1",
            {"id": "f1", "status": "Ready", "result": {}},
        ),
    ),
    "fal": (
        Ask(
            "POST",
            "https://queue.fal.run/fal-ai/flux",
            {"request_id": "764c", "status": "IN_QUEUE", "queue_position": 0},
            {"prompt": "a cat"},
        ),
        [
            Ask(
                "GET",
                "https://queue.fal.run/fal-ai/flux/requests/764c/status",
                {"request_id": "764c", "status": status},
                status=202,
            )
            for status in ("IN_QUEUE", "IN_PROGRESS")
        ],
        Ask(
            "GET",
            "https://queue.fal.run/fal-ai/flux/requests/764c/status",
            {"request_id": "764c", "status": "COMPLETED"},
        ),
    ),
    "Runway": (
        Ask(
            "POST",
            "https://api.dev.runwayml.com/v1/image_to_video",
            {"id": "497f6eca"},
            {"model": "gen4_turbo"},
        ),
        [
            Ask(
                "GET",
                "https://api.dev.runwayml.com/v1/tasks/497f6eca",
                {"id": "497f6eca", "status": status},
            )
            for status in ("PENDING", "THROTTLED", "RUNNING")
        ],
        Ask(
            "GET",
            "https://api.dev.runwayml.com/v1/tasks/497f6eca",
            {"id": "497f6eca", "status": "SUCCEEDED"},
        ),
    ),
    "Luma": (
        Ask(
            "POST",
            "https://api.lumalabs.ai/dream-machine/v1/generations",
            {"id": "9b1f", "state": "queued"},
            {"prompt": "a cat", "keyframes": {"frame0": {"type": "generation", "id": "0a2c"}}},
            201,
        ),
        [
            Ask(
                "GET",
                "https://api.lumalabs.ai/dream-machine/v1/generations/9b1f",
                {"id": "9b1f", "state": "dreaming"},
            )
        ],
        Ask(
            "GET",
            "https://api.lumalabs.ai/dream-machine/v1/generations/9b1f",
            {"id": "9b1f", "state": "completed"},
        ),
    ),
    "Kling": (
        Ask(
            "POST",
            "https://api.klingai.com/v1/videos/text2video",
            {"code": 0, "request_id": "r1", "data": {"task_id": "k1", "task_status": "submitted"}},
            {"prompt": "a cat"},
        ),
        [
            Ask(
                "GET",
                "https://api.klingai.com/v1/videos/text2video/k1",
                {"code": 0, "data": {"task_id": "k1", "task_status": "processing"}},
            )
        ],
        Ask(
            "GET",
            "https://api.klingai.com/v1/videos/text2video/k1",
            {"code": 0, "data": {"task_id": "k1", "task_status": "succeed"}},
        ),
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_the_start_and_the_end_of_a_job_are_kept_and_nothing_between(name: str) -> None:
    start, polls, end = JOBS[name]
    assert is_kept(start)
    assert [is_kept(poll) for poll in polls] == [False] * len(polls)
    assert is_kept(end)


JOB = "https://jobs.example.com/v1/jobs"
RUNNING = {"id": "job_1", "status": "running"}
POLLS = {
    "the id in the path": Ask("POST", f"{JOB}/job_1/refresh", RUNNING, {}),
    "the id in the path, escaped": Ask("POST", f"{JOB}/job%5F1:refresh", RUNNING, {}),
    "the id in the query": Ask("POST", f"{JOB}?job=job_1", RUNNING, {}),
    "the id in the body": Ask("POST", JOB, RUNNING, {"which": ["job_1"]}),
    "a short id in the body": Ask("POST", JOB, {"id": 7, "status": "running"}, {"id": 7}),
    "its task in the body, and another id in the answer": Ask(
        "POST", JOB, {"request_id": "r9", "status": "running"}, {"task_id": "t1"}
    ),
    "tasks in the body": Ask("POST", JOB, {"id": "r9", "status": "running"}, {"taskIds": ["t1"]}),
    "a path that asks": Ask("POST", f"{JOB}/status", {"id": "r9", "status": "running"}, {}),
    "another one": Ask("POST", f"{JOB}:fetchState", {"id": "r9", "status": "running"}, {}),
    "no id in the answer": Ask("POST", JOB, {"status": "pending"}, {}),
    "no id in a 202": Ask("POST", JOB, {}, {}, 202),
    "an empty 202": Ask("POST", JOB, None, {}, 202),
    "a 202 that links back": Ask("POST", f"{JOB}/job_1", None, {}, 202, f"{JOB}/job_1"),
    "GET": Ask("GET", JOB, RUNNING),
    "an operation by its name": Ask(
        "POST", JOB, {"name": "operations/1f", "done": False}, {"name": "operations/1f"}
    ),
}


@pytest.mark.parametrize("name", POLLS)
def test_in_doubt_it_is_a_poll(name: str) -> None:
    assert not is_kept(POLLS[name])


STARTS = {
    "a number that the body has, too": Ask("POST", JOB, {"id": 1, "status": "queued"}, {"n": 1}),
    "an id that is part of another": Ask("POST", JOB, RUNNING, {"after": "job_12"}),
    "a name that the client chose": Ask("POST", JOB, RUNNING, {"jobName": "nightly"}),
    "no task in the body": Ask("POST", JOB, RUNNING, {"task_id": None}),
    "202": Ask("POST", JOB, {"id": "job_1"}, {}, 202),
    "202, by a header": Ask("POST", JOB, None, {}, 202, f"{JOB}/job_1"),
    "an operation without done": Ask("POST", JOB, {"name": "operations/1f", "metadata": {}}, {}),
}


@pytest.mark.parametrize("name", STARTS)
def test_the_start_of_a_job(name: str) -> None:
    assert is_kept(STARTS[name])


def test_an_operation_that_leaves_done_out_goes_on() -> None:
    operation = {"name": "operations/1f", "metadata": {}}
    assert not is_kept(Ask("GET", "https://jobs.example.com/v1/operations/1f", operation))
    done = operation | {"response": {}}
    assert is_kept(Ask("GET", "https://jobs.example.com/v1/operations/1f", done))


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"status": "In Progress"}, "in_progress"),
        ({"status": 200, "state": "JOB_STATE_RUNNING"}, "running"),
        ({"state": "BATCH_STATE_SUCCEEDED"}, "succeeded"),
        ({"processing_status": "ended"}, "ended"),
        ({"data": {"task_status": "succeed"}}, "succeed"),
        ({"data": {"status": "pending"}}, ""),
        ({"status": None, "output": []}, ""),
        ({}, ""),
    ],
)
def test_a_state_has_one_spelling(data: Any, state: str) -> None:
    assert jobs.state(data) == state
