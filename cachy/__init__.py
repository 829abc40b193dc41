"""Record LLM API calls once, replay them for ever: fast, free and repeatable.

from cachy import enable_cachy

enable_cachy()
"""

from cachy.errors import CacheMiss, CachyError, CachyWarning, ConfigError
from cachy.key import NOISE
from cachy.policy import doms
from cachy.session import Session, cachy, disable_cachy, enable_cachy, no_cachy

__version__ = "0.1.0"

__all__ = [
    "NOISE",
    "CacheMiss",
    "CachyError",
    "CachyWarning",
    "ConfigError",
    "Session",
    "cachy",
    "disable_cachy",
    "doms",
    "enable_cachy",
    "no_cachy",
]
