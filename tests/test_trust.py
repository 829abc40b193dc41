"""Public keys in settings: what is one, and which are in force."""

from __future__ import annotations

import base64

import pytest

from cachy import ConfigError
from cachy.settings import check
from cachy.trust import ANYONE, NOBODY, check_trust, narrowed

RAW = bytes(range(32))
BASE64 = f"ed25519:{base64.b64encode(RAW).decode()}"
HEX = f"ed25519:{RAW.hex()}"
OTHER = f"ed25519:{base64.b64encode(bytes(32)).decode()}"


def test_keys_have_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_trust([HEX]) == check_trust((BASE64, HEX)) == check_trust(HEX) == (BASE64,)
    assert check_trust(f"{HEX}, {OTHER}") == tuple(sorted((BASE64, OTHER)))
    assert check_trust(None) == check_trust("") == ()
    assert check_trust(False) == check_trust("none") == check_trust(ANYONE) == ANYONE
    assert check({"trust": [HEX]}).trust == (BASE64,)
    monkeypatch.setenv("CACHY_TRUST", OTHER)
    assert check({"trust": [HEX]}).trust == (OTHER,)
    monkeypatch.setenv("CACHY_TRUST", "none")
    assert check({"trust": [HEX]}).trust == ANYONE


@pytest.mark.parametrize(
    "trust",
    [
        [],
        True,
        7,
        [7],
        "ed25519",
        "ed25519:",
        BASE64[:-1],
        BASE64[:20] + "!" + BASE64[20:],
        HEX[:-2],
        HEX.replace("00", "zz"),
        BASE64.replace("ed25519", "rsa"),
        RAW.hex(),
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_what_is_no_key(trust: object) -> None:
    with pytest.raises(ConfigError, match=r"trust.*ed25519|trust.*keygen"):
        check_trust(trust)


def test_a_file_of_the_project_narrows() -> None:
    assert narrowed((), ()) == ()
    assert narrowed((), (BASE64,)) == (BASE64,)
    assert narrowed((BASE64,), (BASE64, OTHER)) == (BASE64,)
    assert narrowed((BASE64,), (OTHER,)) == (NOBODY,)
    assert narrowed((BASE64,), ANYONE) == (BASE64,)
    assert narrowed(ANYONE, (BASE64,)) == ANYONE
    assert check_trust([NOBODY]) == (NOBODY,)  # as child processes inherit it
