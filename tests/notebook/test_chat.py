"""An entry as a chat, in a notebook."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from IPython.core.error import UsageError
from many import make_entry
from pull_request import calls, chat

from cachy import Session, enable_cachy
from cachy.notebook.chat import Chat

Shell = Any
SECRET = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2


def test_three_forms() -> None:
    shown = Chat(chat(1, "I look.", prompt="Clean up.", tool_calls=calls("rm -rf /")))
    assert dict(shown.facts)["model"] == "gpt-4o"
    assert [role for role, _ in shown.turns] == ["system", "user", "→ assistant", "→ tool call"]
    for text in (repr(shown), shown._repr_markdown_()):
        assert "Clean up." in text
        assert 'bash({"command":"rm -rf /"})' in text
    assert "bash({&quot;command&quot;:&quot;rm -rf /&quot;})" in shown._repr_html_()


ATTACK = "<script>alert(1)</script></pre></div>\u202e\x1b[31m ``` ```` # no [a](javascript:b) | c"


class Tags(HTMLParser):
    """The tags and attributes in a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"@{name}" for name, _ in attrs)}


def hostile() -> Chat:
    called = calls(ATTACK)
    called[0]["function"]["name"] = ATTACK
    entry = chat(1, ATTACK, prompt=ATTACK, tool_calls=called)
    entry.head.update(model=ATTACK, recorded=ATTACK, url=ATTACK, method=ATTACK, usage=ATTACK)
    entry.head["request"]["body"]["messages"].append({"role": ATTACK, "content": ATTACK})
    return Chat(entry)


def test_nothing_that_an_entry_holds_runs() -> None:
    shown = hostile()
    html = shown._repr_html_()
    assert Tags(html).seen <= {"table", "tr", "th", "td", "div", "b", "pre", "p", "i", "@style"}
    # The color of the front end is readable on dark and on light.
    assert set(re.findall(r"color:[^;]*", html)) == {"color:inherit"}
    for text in (html, repr(shown), shown._repr_markdown_()):
        assert not {"\u202e", "\x1b"} & set(text)
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", shown._repr_markdown_(), flags=re.M | re.S)
    assert "<script>" not in outside
    assert "](" not in outside
    assert "alert" not in outside.replace("alert(1)&#60;", "").replace("alert 1", "")


def test_long_entries_are_cut() -> None:
    entry = chat(1, "x" * 3_000_000, prompt="y" * 3_000_000)
    entry.head["request"]["body"]["messages"] *= 500
    shown = Chat(entry)
    assert "(2,996,000 characters)" in repr(shown)
    assert "… 961 earlier turns" in repr(shown)
    assert len(shown._repr_html_()) < 300_000


def test_deep_json() -> None:
    deep: Any = []
    for _ in range(190):
        deep = [deep]
    entry = make_entry(1)
    entry.head["request"]["body"] = deep
    assert Chat(entry._replace(body=b"[" * 190 + b"]" * 190))._repr_html_()


def test_credentials_are_masked() -> None:
    shown = Chat(chat(1, f"it is {SECRET}", prompt=f"mine is {SECRET}"))
    for text in (repr(shown), shown._repr_html_(), shown._repr_markdown_()):
        assert SECRET not in text


def test_show(shell: Shell, session: Session, capsys: Any) -> None:
    assert shell("%cachy show") is None
    assert "no cell has made calls yet" in capsys.readouterr().out
    shell("ask('What is up?')")
    shown = shell("%cachy show")
    assert ("user", "What is up?") in shown.turns
    key = dict(shown.facts)["key"]
    shell("ask('More?')")
    assert ("user", "More?") in shell("%cachy show").turns
    assert repr(shell(f"%cachy show {key[:8]}")) == repr(shown)
    with pytest.raises(UsageError, match="no key in"):
        shell("%cachy show 0123456789")


def test_show_an_entry_of_a_mapping(shell: Shell) -> None:
    enable_cachy(store={})
    shell("ask('What is up?')")
    assert ("user", "What is up?") in shell("%cachy show").turns
    with pytest.raises(UsageError, match="no recordings have a key"):
        shell("%cachy show 0123456789")


def test_an_entry_is_shown_as_a_chat(shell: Shell) -> None:
    shell.ip.push({"entry": chat(1, "Yes.", prompt="Really?")})
    data, _ = shell.ip.display_formatter.format(shell("entry"))
    assert data.keys() >= {"text/plain", "text/html", "text/markdown"}
    assert "→ assistant\n  Yes." in data["text/plain"]
    shell("%unload_ext cachy")
    data, _ = shell.ip.display_formatter.format(shell("entry"))
    assert data.keys() == {"text/plain"}
    assert data["text/plain"].startswith("Entry(")


def test_a_session_is_shown_as_a_table(shell: Shell, session: Session) -> None:
    shell("ask()")
    data, _ = shell.ip.display_formatter.format(session)
    assert "<th" in data["text/html"]
    assert "| recorded | 1 |" in data["text/markdown"]
    assert data["text/plain"].startswith("<cachy auto: ")
