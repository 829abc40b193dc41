"""Which credentials a bucket is opened with."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachy.remote.address import parse
from cachy.remote.credentials import for_az, for_gs, for_s3
from cachy.remote.engine import Misconfigured

S3 = parse("s3://team")


def test_s3_from_the_environment() -> None:
    found = for_s3(
        S3,
        {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_SESSION_TOKEN": "c",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": "https://minio",
        },
    )
    assert found == {
        "access_key_id": "a",
        "secret_access_key": "b",
        "session_token": "c",
        "region": "eu-west-1",
        "endpoint": "https://minio",
    }


def test_s3_from_files(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=a\naws_secret_access_key=b\n"
        "[ci]\naws_access_key_id=c\naws_secret_access_key=d\n"
    )
    (tmp_path / "config").write_text(
        "[default]\nregion=eu-west-1\n[profile ci]\nregion=us-west-2\n"
    )
    files = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    assert for_s3(S3, files)["access_key_id"] == "a"
    assert for_s3(S3, files)["region"] == "eu-west-1"
    ci = for_s3(S3, {**files, "AWS_PROFILE": "ci"})
    assert (ci["access_key_id"], ci["region"]) == ("c", "us-west-2")
    with pytest.raises(Misconfigured):
        for_s3(S3, {**files, "AWS_PROFILE": "other"})


def test_the_url_wins() -> None:
    address = parse("s3://team?region=eu-north-1&endpoint=https://minio&anonymous=1")
    found = for_s3(address, {"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "https://other"})
    assert found == {
        "region": "eu-north-1",
        "endpoint": "https://minio",
        "skip_signature": "true",
    }


def test_the_metadata_address_is_asked_only_when_told() -> None:
    empty: dict[str, str] = {"HOME": "/nonexistent", "APPDATA": "/nonexistent"}
    for url, function in (
        ("s3://team", for_s3),
        ("gs://team", for_gs),
        ("az://team?account=us", for_az),
    ):
        with pytest.raises(Misconfigured, match=r"no credentials for .* were found"):
            function(parse(url), empty)
        told = url + ("&" if "?" in url else "?") + "metadata=1"
        assert "skip_signature" not in function(parse(told), empty)


def test_azure_needs_an_account() -> None:
    with pytest.raises(Misconfigured, match="the account is not known: write"):
        for_az(parse("az://team"), {"AZURE_STORAGE_ACCOUNT_KEY": "k"})
    environ = {"AZURE_STORAGE_ACCOUNT_KEY": "k", "AZURE_STORAGE_ACCOUNT_NAME": "us"}
    assert for_az(parse("az://team"), environ) == {"account_name": "us"}


def test_google() -> None:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}
    assert for_gs(parse("gs://team"), environ) == {"application_credentials": "/key.json"}
    assert for_gs(parse("gs://team?anonymous=1"), {}) == {"skip_signature": "true"}
