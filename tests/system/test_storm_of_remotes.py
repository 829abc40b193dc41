"""A fleet on one bucket: processes record, refresh, fetch, are killed, and lose the server."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import storm_of_remotes
from chaos import Chaos
from loopback import Loopback
from servers import Moto, environment_of

import cachy
from cachy.remote.address import parse
from cachy.remote.objects import LIMIT, key_at, place_of, unpack
from cachy.remote.opening import open_engine
from cachy.store.folder import entry_files
from cachy.store.names import key_in
from cachy.upkeep.remote import push

FLEET = 8
SECONDS = 30
LOST = (8, 14)
"""The seconds between which the server is lost."""


@pytest.fixture
def moto() -> Iterator[Moto]:
    pytest.importorskip("obstore")
    pytest.importorskip("moto.server")
    with Moto() as server, environment_of(server.variables):
        yield server


def start(folder: Path, remote: str, host: str, seconds: float, seed: int) -> Any:
    package = str(Path(cachy.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, storm_of_remotes.__file__, folder, remote, host, str(seconds), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": package},
    )


@pytest.mark.storm
def test_a_storm(moto: Moto, tmp_path: Path) -> None:
    chance = random.Random(1)
    with Loopback() as server, Chaos(moto.port) as chaos:
        remote, began = moto.at(chaos.port), time.monotonic()

        def begin(number: int, seed: int) -> Any:
            folder = tmp_path / f"machine {number}"
            folder.mkdir(exist_ok=True)
            left = SECONDS - (time.monotonic() - began)
            return start(folder, remote, server.host, left, seed)

        fleet = [begin(number, number) for number in range(FLEET)]
        killed, seed = 0, FLEET
        while (now := time.monotonic() - began) < SECONDS - 5:
            time.sleep(0.7)
            lost = LOST[0] < now < LOST[1]
            if lost != (chaos.illness != "well"):
                chaos.illness = chance.choice(("refuse", "black hole")) if lost else "well"
            victim = chance.randrange(FLEET)
            fleet[victim].kill()
            fleet[victim].communicate()
            killed += 1
            seed += 1
            fleet[victim] = begin(victim, seed)
        told = []
        for process in fleet:
            output, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
            told.append(json.loads(output))
    assert killed > 20
    assert sum(each["calls"] for each in told) > 500
    assert sum(each["wrong"] for each in told) == 0
    assert sum(each["remote"].get("found", 0) for each in told) > 0
    # The live call takes milliseconds; the rest of the bound is what a busy machine adds.
    assert max(each["longest"] for each in told) < 0.5 + 2
    address = parse(moto.url)
    engine = open_engine(address)
    for number in range(FLEET):
        root = str(tmp_path / f"machine {number}" / ".cachy")
        done = push(root, address, replace=True)
        assert done.code == 0, (done.broken, done.failed)
        for file in entry_files(root):
            key = key_in(file.name)
            found = engine.get(place_of(key), LIMIT)
            assert found is not None
            unpack(key, found.data)
    listed = [key for each in engine.listing("1/") if (key := key_at(each.path))]
    assert 0 < len(listed) <= storm_of_remotes.QUESTIONS
    for key in listed:
        got = engine.get(place_of(key), LIMIT)
        assert got is not None
        unpack(key, got.data)
