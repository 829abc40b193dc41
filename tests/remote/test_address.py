"""URLs and folders of remotes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachy.errors import ConfigError
from cachy.remote.address import parse


@pytest.mark.parametrize(
    ("url", "scheme", "place", "prefix", "label"),
    [
        ("s3://team/a/b/", "s3", "team", "a/b", "s3://team/a/b/"),
        ("S3://team", "s3", "team", "", "S3://team"),
        ("gs://team/x", "gs", "team", "x", "gs://team/x"),
        ("az://team?account=us", "az", "team", "", "az://team"),
        ("redis://me:word@host/3", "redis", "host", "3", "redis://host/3"),
        ("rediss://host:6380", "rediss", "host:6380", "", "rediss://host:6380"),
        ("https://me:word@host:8443/p?", "https", "host:8443", "p", "https://host:8443/p"),
        ("http://[::1]:80/p", "http", "[::1]:80", "p", "http://[::1]:80/p"),
        ("/mnt/team/.cachy", "file", "/mnt/team/.cachy", "", "/mnt/team/.cachy"),
        ("file:///mnt/a%20b", "file", "/mnt/a b", "", "/mnt/a b"),
    ],
)
def test_what_is_meant(url: str, scheme: str, place: str, prefix: str, label: str) -> None:
    address = parse(url)
    assert address[:4] == (scheme, place, prefix, label)


def test_credentials_are_no_part_of_the_label() -> None:
    address = parse("redis://me:word%21@host/0")
    assert (address.user, address.password) == ("me", "word!")
    assert "word" not in address.label


def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert parse(tmp_path).place == str(tmp_path)
    assert parse("./share").place == str(tmp_path / "share")
    assert parse("~/share").place == str(tmp_path / "home" / "share")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("team/bucket", "is no remote: give s3://bucket/prefix"),
        ("redi://team", "did you mean redis://"),
        ("ftp://host", "is no remote"),
        ("s3://", "'' is not the name of a bucket: write s3://bucket/prefix"),
        ("s3://Team_1!", "is not the name of a bucket"),
        ("az://x", "is not the name of a container"),
        ("s3://key:secret@team", "credentials do not stand in the URL of a bucket"),
        ("s3://team?endpont=x", "s3:// has no option 'endpont': give endpoint, region"),
        ("s3://team?endpoint=minio:9000", "is no URL: write endpoint=https://host"),
        ("s3://team?anonymous=perhaps", "is neither 1 nor 0"),
        ("s3://team/a/../b", "holds `..`"),
        ("https://", "it names no host"),
        ("https://host:abc", "Port could not be cast"),
        ("http://host/p", "http:// is for this machine alone: use https://"),
        ("https://host/p?x=1", "https:// has no option 'x': it takes none"),
        ("https://host/p#x", "holds a `#`"),
        ("redis://host/team", "is not the number of a database"),
        (5, "invalid remote=5: give s3://"),
    ],
)
def test_what_cannot_be_meant(url: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_of_the_repository_names_a_place_alone() -> None:
    assert not parse("s3://team/p", "remote in pyproject.toml", trusted=False).trusted
    for url in ("s3://team?endpoint=https://evil", "https://me:word@host/p", "redis://:pw@host"):
        with pytest.raises(ConfigError, match=r"remote in pyproject.toml.*may name a place alone"):
            parse(url, "remote in pyproject.toml", trusted=False)
