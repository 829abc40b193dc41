"""What gateways and platforms add to the protocols that they pass on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import as_dict
from cachy.rules.protocols import Protocol

if TYPE_CHECKING:
    from cachy.rules.protocols import Data


def failed(data: Data) -> bool:
    if data.get("success") is False:  # Cloudflare
        return True
    # MiniMax
    return "base_resp" in data and bool(as_dict(data["base_resp"]).get("status_code"))


PROTOCOL = Protocol(failed=failed)
