"""Requests as clients send them, for tests of what is made of them."""

from __future__ import annotations

HOST = "https://api.example.com"
CHAT = f"{HOST}/v1/chat/completions"
BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'


def multipart(boundary: str, text: str = "sound", quote: str = "") -> tuple[bytes, tuple[str, str]]:
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n'
        f"Content-Type: audio/mpeg\r\n\r\n{text}\r\n--{boundary}--\r\n"
    )
    kind = f"multipart/form-data; boundary={quote}{boundary}{quote}"
    return body.encode(), ("content-type", kind)
