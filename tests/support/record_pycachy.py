"""Records the SDK matrix with pycachy itself, against the stand-in: the files that tests/system/
test_pycachy.py adopts. It is run in an environment of the matrix, with a release of pycachy and
fastcore in a folder of their own, which comes first:

    pip install --target /tmp/pycachy --no-deps pycachy==0.0.22 fastcore
    PYTHONPATH=/tmp/pycachy:tests/support .venv-litellm/bin/python tests/support/record_pycachy.py \
        openai anthropic google litellm > tests/system/pycachy/NAME.json

It prints one JSON object: the release, what each way gave when pycachy answered it, and pycachy's
file.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from sdks import WAYS, Result, Way
from standin import Standin


def main(*words: str) -> None:
    """Record each way whose SDK's name starts with one of the words, and see what replays."""
    import cachy  # pycachy's

    with tempfile.TemporaryDirectory() as folder, Standin() as standin, standin.reach():
        cachy.enable_cachy(cache_dir=folder)
        ways = [way for way in WAYS if way.available() and way.sdk.startswith(words)]
        # Whether the answer is read in pieces makes two requests for pycachy, one for cachy.
        ways = [way for way in ways if (way.call, way.streaming) != ("speech", True)]
        live = {way: _run(way) for way in ways}
        standin.refuse = True
        results = {str(way): live[way] for way in ways if live[way] and _run(way) == live[way]}
        [file] = Path(folder).glob("cachy.*")
        text = file.read_text("utf-8")
    said = {"release": version("pycachy"), "file": file.name, "text": text, "results": results}
    print(json.dumps(said, indent=1, sort_keys=True))


def _run(way: Way) -> Result:
    """Return what a way gives, or nothing where it fails: that is pycachy's affair."""
    try:
        return way.run()
    except Exception as error:  # noqa: BLE001
        print(f"{way}: {str(error)[:90]!r}", file=sys.stderr)
        return {}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
