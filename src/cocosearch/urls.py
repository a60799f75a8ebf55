"""URLs as they may be shown: passwords stay out of messages, logs and answers to clients."""

import re

MASK = "***"

_USERINFO = re.compile(r"(?P<user>://[^/?#\s:@]*):\S*@")  # to the last '@': an unescaped mark in a password ends nothing
_PARAMETER = re.compile(r"(?P<name>\b(?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.)*'?|[^&\s]*)", re.IGNORECASE)


def without_password(url: str) -> str:
    """The URL, or libpq's keywords and values, with every password masked; also where it is malformed."""
    return _PARAMETER.sub(rf"\g<name>{MASK}", _USERINFO.sub(rf"\g<user>:{MASK}@", url))
