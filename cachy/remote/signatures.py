"""Signatures of objects: who recorded an entry, where a session demands to know.

    KEY-STAMP ed25519:<base64>     the first line of a signed object

Ed25519 over the name, which holds the key and the stamp, and the bytes of the file: a signature
that is moved to another entry, or another recording of the same request, is none. Its library is
imported where a key is set, and never else.
"""

from __future__ import annotations

import binascii
import os
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.remote.engine import Misconfigured
from cachy.trust import ALGORITHM, ANYONE, NOBODY, raw_key, show_key

SIGN_VARIABLE = "CACHY_SIGN"
_CONTEXT = b"cachy object 1\n"  # so that nothing else that the key ever signs is taken for one
_LENGTH = 64


class Unsigned(Defect):
    """None of the keys that are trusted has signed an object."""


class Signatures(NamedTuple):
    """What a session demands and makes: the `trusted` public keys, and the `file` of the private
    key that it signs with. Either may be empty."""

    trusted: tuple[str, ...] = ()
    file: str = ""

    @property
    def are_demanded(self) -> bool:
        return bool(self.trusted) and self.trusted != ANYONE

    def load(self) -> None:
        """Import what is needed, and read the private key. Raises Misconfigured."""
        if self.are_demanded:
            _library()
        if self.file:
            _private(self.file)

    def sign(self, name: str, data: bytes) -> str:
        """Return the signature of an entry; an empty string where nothing is signed. Raises
        Misconfigured."""
        if not self.file:
            return ""
        signature: bytes = _private(self.file).sign(_message(name, data))
        return f"{ALGORITHM}:{binascii.b2a_base64(signature, newline=False).decode()}"

    def check(self, name: str, data: bytes, signatures: str) -> None:
        """Raise Unsigned if signatures are demanded, and the words `signatures` hold none of a
        trusted key over this entry. Raises Misconfigured."""
        if self.are_demanded and not _is_signed(self.trusted, name, data, signatures):
            raise Unsigned("is not signed by a trusted key")

    def would_replace(self, name: str, data: bytes, signatures: str) -> bool:
        """Tell whether one who signs replaces this object, because neither he nor anyone whom he
        trusts has signed it. Raises Misconfigured."""
        if not self.file:
            return False
        keys = (*(self.trusted if self.are_demanded else ()), public_key(self.file))
        return not _is_signed(keys, name, data, signatures)


NONE = Signatures()


def public_key(file: str) -> str:
    """Return the public key to the private one in a file. Raises Misconfigured."""
    return show_key(_private(file).public_key().public_bytes_raw())


def make_key(file: str) -> str:
    """Make a key pair, write the private key to a new file that only its owner may read, and return
    the public one. Raises ConfigError, CachyError."""
    try:
        key = _library().Ed25519PrivateKey.generate()
    except Misconfigured as error:
        raise CachyError(str(error)) from None
    forms = import_module("cryptography.hazmat.primitives.serialization")
    text = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file} is there already: a key is never overwritten") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None
    with os.fdopen(fd, "wb") as opened:
        opened.write(text)
    return show_key(key.public_key().public_bytes_raw())


def _message(name: str, data: bytes) -> bytes:
    return b"%b%b\n%b" % (_CONTEXT, name.encode(), data)


def _is_signed(keys: tuple[str, ...], name: str, data: bytes, signatures: str) -> bool:
    found = [raw for word in signatures.split(" ") if (raw := _decoded(word))]
    if not found:
        return False
    invalid = import_module("cryptography.exceptions").InvalidSignature
    message = _message(name, data)
    for key in keys:
        if key == NOBODY:
            continue
        public = _library().Ed25519PublicKey.from_public_bytes(raw_key(key))
        for signature in found:
            try:
                public.verify(signature, message)
            except invalid:
                continue
            return True
    return False


def _decoded(word: str) -> bytes:
    """Return the signature in a word of the first line; nothing if it holds none."""
    algorithm, _, text = word.partition(":")
    try:
        raw = binascii.a2b_base64(text.encode("ascii"))
    except ValueError:
        return b""
    return raw if algorithm == ALGORITHM and len(raw) == _LENGTH else b""


def _library() -> Any:
    try:
        import_module("cryptography.exceptions")
        return import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    except ImportError:
        raise Misconfigured(
            "the library `cryptography`, for signatures, is not installed: "
            "pip install 'cachy-store[sign]'"
        ) from None


@lru_cache(maxsize=8)
def _private(file: str) -> Any:
    """Return the private key in a file. Raises Misconfigured."""
    library = _library()
    told = f"{SIGN_VARIABLE}={file}"
    try:
        with open(file, "rb") as opened:
            mode, text = os.fstat(opened.fileno()).st_mode, opened.read(2**16)
    except OSError as error:
        raise Misconfigured(f"{told} cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise Misconfigured(f"{told} may be read by others: chmod 600 {file}")
    forms = import_module("cryptography.hazmat.primitives.serialization")
    try:
        key = forms.load_pem_private_key(text, None)
    except Exception:  # noqa: BLE001 - of many kinds; none may show what is in the file
        key = None
    if not isinstance(key, library.Ed25519PrivateKey):
        raise Misconfigured(f"{told} holds no private key of `cachy remote keygen`")
    return key
