"""Which credentials a bucket is opened with, found on this machine, within no time.

The libraries of the clouds ask an address of the cloud's metadata when they find nothing else.
Outside of that cloud it does not answer, so it is asked only where `?metadata=1` stands in the URL.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cachy.remote.engine import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachy.remote.address import Address

_METADATA = "on a machine of the cloud that has a role, write ?metadata=1 behind the URL"


def for_s3(address: Address, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what to open an S3 bucket with. Raises Misconfigured where there are no credentials.

    Keys come from the environment, then from the profile AWS_PROFILE, or `default`, of the files in
    ~/.aws.
    """
    found = {"region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    profile = _profile(environ)
    found["region"] = address.option("region") or found["region"] or profile.get("region", "")
    found["endpoint"] = address.option("endpoint") or endpoint or profile.get("endpoint_url", "")
    found["region"] = found["region"] or "us-east-1"
    if address.flag("anonymous"):
        found["skip_signature"] = "true"
    elif environ.get("AWS_ACCESS_KEY_ID"):
        found["access_key_id"] = environ["AWS_ACCESS_KEY_ID"]
        found["secret_access_key"] = environ.get("AWS_SECRET_ACCESS_KEY", "")
        found["session_token"] = environ.get("AWS_SESSION_TOKEN", "")
    elif "aws_access_key_id" in profile:
        found["access_key_id"] = profile["aws_access_key_id"]
        found["secret_access_key"] = profile.get("aws_secret_access_key", "")
        found["session_token"] = profile.get("aws_session_token", "")
    elif not (_any(environ, _S3_ELSEWHERE) or address.flag("metadata")):
        raise Misconfigured(
            "no credentials for S3 were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            f"AWS_PROFILE (`aws configure export-credentials --format env` prints those of SSO); "
            f"for a public bucket write ?anonymous=1 behind the URL; {_METADATA}"
        )
    return {name: value for name, value in found.items() if value}


def for_gs(address: Address, environ: Mapping[str, str]) -> dict[str, str]:
    """Do the same for Google Cloud Storage, whose library finds them itself."""
    if address.flag("anonymous"):
        return {"skip_signature": "true"}
    default = os.path.join(
        environ.get("APPDATA", "") or os.path.expanduser("~/.config"),
        *("gcloud", "application_default_credentials.json"),
    )
    named = environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    if named:
        return {"application_credentials": named}
    if not (_any(environ, _GS) or os.path.exists(default) or address.flag("metadata")):
        raise Misconfigured(
            "no credentials for Google Cloud Storage were found: set "
            "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`; for a "
            f"public bucket write ?anonymous=1 behind the URL; {_METADATA}"
        )
    return {}


def for_az(address: Address, environ: Mapping[str, str]) -> dict[str, str]:
    """Do the same for Azure Blob Storage. The account is in the URL or the environment."""
    account = address.option("account") or environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    if not account:
        raise Misconfigured(
            "the account is not known: write ?account=NAME behind the URL, or set "
            "AZURE_STORAGE_ACCOUNT_NAME"
        )
    if not (_any(environ, _AZ) or address.flag("metadata")):
        raise Misconfigured(
            "no credentials for Azure were found: set AZURE_STORAGE_ACCOUNT_KEY, "
            "AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID; "
            f"{_METADATA}"
        )
    found = {"account_name": account}
    if endpoint := address.option("endpoint"):
        found["endpoint"] = endpoint
    return found


_S3_ELSEWHERE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_GS = (
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)
_AZ = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_STORAGE_TOKEN",
)


def _any(environ: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return any(environ.get(name) for name in names)


def _profile(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the files in ~/.aws say of the profile in force."""
    from configparser import ConfigParser
    from configparser import Error as IniError

    name = environ.get("AWS_PROFILE") or "default"
    files = (
        (environ.get("AWS_CONFIG_FILE") or "~/.aws/config", "default", "profile "),
        (environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials", "", ""),
    )
    found: dict[str, str] = {}
    for path, plain, front in files:
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(os.path.expanduser(path), "utf-8")
        except (IniError, UnicodeDecodeError, OSError):
            continue
        section = name if name == plain else front + name
        if parser.has_section(section):
            found.update(parser.items(section))
    return found
