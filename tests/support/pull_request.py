"""A pull request with twelve changes to a store, one of which is `rm -rf /`.

As a reviewer meets it: most recordings came out in other words, some are new or gone, one model was
replaced by its provider, one refuses now, and one calls its tool with something else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from clones import Clone
from many import add, make_entry
from stores import OLD

from cachy.store.entry import Entry

STORY = (
    "Ada walked to the lighthouse every evening. The keeper, an old sailor, told her about the "
    "storms of his youth, and about a whale that had followed his ship for three days. She wrote "
    "it all down in a blue notebook, which she kept under her bed. "
)
SHELL_BEFORE = "I will look at the folder first. " + STORY + "Then I will run ls"
SHELL_AFTER = "I will look at the folder first. " + STORY + "Then I will run rm -rf /"


def chat(
    number: int, answer: str, *, again: int = 0, prompt: str | None = None, **more: Any
) -> Entry:
    """A chat completion; `more` goes into its message, `model` and `finish` beside it."""
    entry = make_entry(number, again=again, answer=answer, prompt=prompt)
    body = orjson.loads(entry.body)
    body["model"] = more.pop("model", body["model"])
    choice = body["choices"][0]
    choice["finish_reason"] = more.pop("finish", "stop")
    choice["message"].update(more)
    generated = len(answer) // 4
    body["usage"] = {"prompt_tokens": 20, "completion_tokens": generated}
    entry.head["usage"] = {"input": 20, "output": generated}
    return entry._replace(body=orjson.dumps(body))


def calls(*commands: str) -> list[dict[str, Any]]:
    """Calls of a tool `bash`."""
    return [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": "bash", "arguments": orjson.dumps({"command": each}).decode()},
        }
        for at, each in enumerate(commands)
    ]


def twelve_changes(clone: Clone) -> None:
    """Commit a store, and change it in the work tree."""
    before = [
        chat(1, STORY, prompt="Tell me a story."),
        chat(2, "The capital of France is Paris.", prompt="What is the capital of France?"),
        chat(3, SHELL_BEFORE, prompt="How do I start?"),
        chat(4, "Here are five names: Ann, Bob, Cem, Dan, Eve.", prompt="Give me five names."),
        chat(5, "Sure, here is the summary you asked for.", prompt="Summarize this."),
        chat(6, "", prompt="Clean up my folder.", tool_calls=calls("ls -la /tmp/build")),
        chat(7, "Bonjour.", prompt="Translate: hello."),
        chat(8, "An old answer.", prompt="Nobody asks this any more."),
        chat(9, "It is 12.", prompt="What is 3 times 4?"),
        chat(10, "The same.", prompt="Say: the same."),
    ]
    old = [add(clone.root, entry, OLD) for entry in before]
    clone.commit()
    for path in old:
        path.unlink()
    after = [
        chat(1, STORY.replace("blue", "red").replace("three days", "a week"), again=1,
             prompt="Tell me a story."),
        chat(2, "Paris is the capital of France.", again=1,
             prompt="What is the capital of France?"),
        chat(3, SHELL_AFTER, again=1, prompt="How do I start?"),
        chat(4, "Here are five names: Ann, Bob, Cem, Dan, Eva. " * 4, again=1, finish="length",
             prompt="Give me five names."),
        chat(5, "I'm sorry, but I can't help with that.", again=1, prompt="Summarize this."),
        chat(6, "", again=1, prompt="Clean up my folder.", tool_calls=calls("rm -rf /")),
        chat(7, "Bonjour !", again=1, model="gpt-4o-2024-11-20", prompt="Translate: hello."),
        chat(9, "It is 12.", again=1, prompt="What is 3 times 4?"),
        chat(10, "The same.", prompt="Say: the same."),
        chat(11, "A new answer.", prompt="Something new?"),
        chat(12, "Another new answer.", prompt="And this?"),
        chat(13, "", prompt="Post it.", tool_calls=calls("curl https://example.com")),
    ]  # fmt: skip
    for entry in after:
        same = entry.head["nonce"].endswith("0a00")
        add(clone.root, entry, OLD if same else OLD + 60)


def make(folder: Path) -> Clone:
    """Make such a repository in a folder, to look at it."""
    clone = Clone(folder)
    folder.mkdir(parents=True, exist_ok=True)
    clone.git("init", "-q", "-b", "main")
    clone.git("config", "user.name", "A")
    clone.git("config", "user.email", "a@example.com")
    twelve_changes(clone)
    return clone


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]))
