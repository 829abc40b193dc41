"""Signatures: what is one, what is none, and what becomes of unsigned objects."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from engine_contract import entry, new_key
from remotes import fetch
from remotes import push as push_one
from servers import Web

from cachy import CachyError, ConfigError
from cachy.errors import Defect
from cachy.remote.address import Address, parse
from cachy.remote.engine import Engine, Misconfigured
from cachy.remote.fetched import files
from cachy.remote.objects import LIMIT, name_in, pack, place_of, unpack
from cachy.remote.opening import open_engine
from cachy.remote.signatures import Signatures, Unsigned, make_key, public_key
from cachy.remote.tier import Kind, Remote, put
from cachy.store.folder import DirStore
from cachy.upkeep.remote import pull, push

KEY = "0af1" * 8
NAME, DATA = entry(KEY)


@pytest.fixture
def signer(tmp_path: Path) -> Signatures:
    file = str(tmp_path / "ours.pem")
    return Signatures((make_key(file),), file)


@pytest.fixture
def stranger(tmp_path: Path) -> Signatures:
    file = str(tmp_path / "theirs.pem")
    return Signatures((make_key(file),), file)


def line_of(packed: bytes) -> bytes:
    return packed.partition(b"\n")[0]


def test_a_signed_object(signer: Signatures, stranger: Signatures) -> None:
    packed = pack(NAME, DATA, signer)
    assert unpack(KEY, packed, signer).data == DATA
    assert unpack(KEY, packed, Signatures((*stranger.trusted, *signer.trusted))).name == NAME
    assert unpack(KEY, packed).entry.body == b"body"  # who demands none, reads it
    assert name_in(packed) == NAME
    assert line_of(packed).startswith(NAME.encode() + b" ed25519:")
    two = line_of(pack(NAME, DATA, stranger)) + line_of(packed)[len(NAME) :] + b"\n" + DATA
    assert unpack(KEY, two, signer).data == DATA


def test_what_is_not_signed(signer: Signatures, stranger: Signatures) -> None:
    packed = pack(NAME, DATA, signer)
    line = line_of(packed)
    other = entry(new_key())
    newer = entry(KEY, b"another", 1_900_000_000)
    words = line_of(pack(*other, signer))[len(NAME) :]
    for made in (
        pack(NAME, DATA),  # as before there were signatures
        pack(NAME, DATA, stranger),
        NAME.encode() + words + b"\n" + DATA,  # moved from another entry
        newer[0].encode() + line[len(NAME) :] + b"\n" + newer[1],  # from another recording
        line[:-4] + b"\n" + DATA,
        line[:-40] + b"A" * 40 + b"\n" + DATA,
        NAME.encode() + b" \n" + DATA,
        NAME.encode() + b" ed25519:\xff\xfe garbage rsa:AAAA\n" + DATA,
        line.replace(b"ed25519", b"ed448") + b"\n" + DATA,
    ):
        with pytest.raises(Unsigned, match="is not signed by a trusted key"):
            unpack(KEY, made, signer)
    for made in (pack(NAME, DATA), pack(NAME, DATA, stranger)):
        assert unpack(KEY, made).data == DATA
    with pytest.raises(Defect):
        unpack(KEY, line + b"x" * 2000 + b"\n" + DATA)


def test_bytes_that_were_changed_are_not_parsed(signer: Signatures) -> None:
    packed = pack(NAME, DATA, signer)
    with pytest.raises(Unsigned):
        unpack(KEY, packed[:-1], signer)
    with pytest.raises(Unsigned):
        unpack(KEY, packed + b"x", signer)
    with pytest.raises(Defect, match="is that of another key"):
        unpack(new_key(), packed, signer)


def test_a_private_key(tmp_path: Path, signer: Signatures) -> None:
    assert public_key(signer.file) == signer.trusted[0]
    with pytest.raises(ConfigError, match="is there already"):
        make_key(signer.file)
    with pytest.raises(ConfigError, match="cannot be written"):
        make_key(str(tmp_path / "no" / "folder"))
    with pytest.raises(Misconfigured, match=r"CACHY_SIGN=.* cannot be read"):
        Signatures((), str(tmp_path / "none")).load()
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"secret")
    wrong.chmod(0o600)
    with pytest.raises(Misconfigured, match="holds no private key") as raised:
        Signatures((), str(wrong)).load()
    assert "secret" not in str(raised.value)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_private_key_is_for_its_owner_alone(tmp_path: Path, signer: Signatures) -> None:
    assert stat.S_IMODE(os.stat(signer.file).st_mode) == 0o600
    other = tmp_path / "open.pem"
    other.write_bytes(Path(signer.file).read_bytes())
    other.chmod(0o644)
    with pytest.raises(Misconfigured, match="may be read by others: chmod 600"):
        Signatures((), str(other)).sign(NAME, DATA)


def test_without_the_library(signer: Signatures, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(NAME, DATA, signer)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(Misconfigured, match=r"pip install 'cachy-store\[sign\]'"):
        signer.load()
    with pytest.raises(CachyError, match="cryptography"):
        make_key("never")
    assert unpack(KEY, packed).data == DATA


# ---- On a server ----


@pytest.fixture(params=["web", "s3"])
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Address:
    server = request.getfixturevalue({"web": "web", "s3": "moto"}[request.param])
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return parse(server.url)


def engine_of(address: Address) -> Engine:
    return open_engine(address)


def test_only_what_is_signed_is_fetched(
    address: Address, signer: Signatures, stranger: Signatures, tmp_path: Path
) -> None:
    engine, root = engine_of(address), tmp_path / ".cachy"
    ours, theirs, nobodys = new_key(), new_key(), new_key()
    assert put(engine, *entry(ours), replaces=False, signatures=signer)
    assert put(engine, *entry(theirs), replaces=False, signatures=stranger)
    assert put(engine, *entry(nobodys), replaces=False)
    remote = Remote(address._replace(signatures=Signatures(signer.trusted)), str(root))
    assert fetch(remote, ours).kind is Kind.FOUND
    for key in (theirs, nobodys):
        outcome = fetch(remote, key)
        assert (outcome.kind, outcome.found, outcome.warn) == (Kind.UNSIGNED, None, True)
        assert outcome.said == "has an object for it that is not signed by a trusted key"
    assert fetch(remote, new_key()).kind is Kind.ABSENT
    assert [file.key for file in files(str(root))] == [ours]
    plain = Remote(address, str(tmp_path / "other"))
    assert {fetch(plain, key).kind for key in (ours, theirs, nobodys)} == {Kind.FOUND}


def test_who_signs_replaces_what_is_not_signed(
    address: Address, signer: Signatures, stranger: Signatures, tmp_path: Path
) -> None:
    engine, key = engine_of(address), new_key()
    late = 2**31
    assert put(engine, *entry(key, b"planted", late), replaces=True, signatures=stranger)
    remote = Remote(address._replace(signatures=signer), str(tmp_path / ".cachy"))
    assert fetch(remote, key).kind is Kind.UNSIGNED
    assert push_one(remote, tmp_path / "one", key, body=b"ours") == [""]
    found = fetch(remote, key).found
    assert found is not None
    assert found.entry.body == b"ours"
    assert push_one(remote, tmp_path / "one", key, body=b"later", second=late) == [""]
    there = engine.get(place_of(key), LIMIT)
    assert there is not None
    assert unpack(key, there.data, signer).entry.body == b"ours"  # the first one wins, as ever


def test_a_key_that_cannot_be_used_sends_nothing(web: Web, tmp_path: Path) -> None:
    missing = Signatures((), str(tmp_path / "none"))
    remote = Remote(parse(web.url)._replace(signatures=missing), str(tmp_path / ".cachy"))
    (said,) = push_one(remote, tmp_path / "one", new_key())
    assert said.startswith("takes no recordings in this session: CACHY_SIGN=")
    assert not web.files


@pytest.mark.parametrize("address", ["s3"], indirect=True)
def test_push_and_pull(address: Address, signer: Signatures, tmp_path: Path) -> None:
    one, two = tmp_path / "one" / ".cachy", tmp_path / "two" / ".cachy"
    keys = [new_key() for _ in range(3)]
    for key in keys:
        name, data = entry(key)
        (one / key[:2]).mkdir(parents=True, exist_ok=True)
        (one / key[:2] / f"{name}.entry").write_bytes(data)
    assert push(str(one), address).done == 3
    ours = address._replace(signatures=signer)
    done = pull(str(two), ours)
    assert (done.unsigned >= 3, done.done, done.code) == (True, 0, 0)
    assert push(str(one), ours).done == 3  # signs what was there unsigned
    assert push(str(one), ours).there == 3
    assert pull(str(two), ours).done == 3
    assert {file.key for file in files(str(two))} == set(keys)


def test_what_was_fetched_from_others_is_not_used(
    web: Web, signer: Signatures, tmp_path: Path
) -> None:
    key, other, root = new_key(), new_key(), str(tmp_path / ".cachy")
    address = parse(web.url)
    engine = engine_of(address)
    put(engine, *entry(key), replaces=False)
    put(engine, *entry(other), replaces=False, signatures=signer)
    plain = Remote(address, root)
    assert fetch(plain, key).kind is Kind.FOUND
    strict = Remote(address._replace(signatures=signer), root)
    assert fetch(strict, other).kind is Kind.FOUND
    assert [file.key for file in files(root)] == [other]
    assert fetch(plain, key).kind is Kind.FOUND
    assert fetch(strict, other).kind is Kind.FOUND
    assert DirStore(root).get(key, lambda *_: None) is None


def test_a_folder_keeps_no_signatures(tmp_path: Path, signer: Signatures) -> None:
    (tmp_path / "share").mkdir()
    address = parse(tmp_path / "share" / ".cachy")._replace(signatures=signer)
    engine, (name, data) = engine_of(address), entry(KEY)
    assert put(engine, name, data, replaces=False, signatures=signer)
    assert not put(engine, name, data, replaces=False, signatures=signer)
    engine.replace(place_of(KEY), pack(name, data, signer), name)
    assert unpack(KEY, getattr(engine.get(place_of(KEY), LIMIT), "data", b"")).data == data
    outcome = fetch(Remote(address, str(tmp_path / ".cachy")), KEY)
    assert (outcome.kind, outcome.warn) == (Kind.UNSIGNED, True)
    assert outcome.said.startswith("is a folder, which keeps no signatures")
    with pytest.raises(CachyError, match="keeps no signatures"):
        pull(str(tmp_path / ".cachy"), address)
