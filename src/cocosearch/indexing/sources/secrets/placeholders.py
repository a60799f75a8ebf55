"""What stands where a secret would and is none: words for it, variables, examples; and what a password looks like among identifiers."""

from base64 import b64decode

import re2

# The whole value is one word for a secret, perhaps with another before it: my-secret-token, your_password1, postgres, changeme
_WORDS = (
    r"pass|passw(?:or)?d|passwort|passphrase|pwd|pw|psw|psswrd|pword|p|pa|secret|token|key|apikey|api|auth|access|client|private|public|credentials?|creds?"
    r"|user|username|usr|login|name|account|admin|administrator|root|guest|anonymous|nobody|owner|superuser|service|svc|system|operator|sa"
    r"|my|your|you|the|this|that|a|an|some|any|new|old|real|here|is|to|for|with|of|in|at|and|or|no|none|null|nil|undefined|true|false|empty|blank"
    r"|default|example|sample|demo|dummy|fake|mock|stub|test(?:ing|er|s|ed)?|tmp|temp|placeholder|todo|tbd|fixme|changeme|change|me|replace|insert|enter|put|add|set"
    r"|with|value|string|text|hidden|redacted|removed|masked|censored|filtered|encrypted|bearer|basic|invalid|valid|wrong|bad|good|correct|incorrect|unknown|unused"
    r"|foo|bar|baz|qux|quux|foobar|spam|eggs|ham|hello|world|joe|john|jane|bob|alice|eve|carol|dave|me|xyz|abc|abcd|abcde|abcdef|abcdefg|asdf|qwerty|letmein|monkey|dragon"
    r"|db|database|postgres|postgresql|pgsql|pg|mysql|mariadb|mongo|mongodb|redis|rabbitmq|rabbit|amqp|mssql|oracle|sqlite|ldap|smtp|imap|mail|ftp|sftp|ssh|http|https|proxy"
    r"|host|hostname|server|port|domain|localhost|dev|develop|development|prod|production|stage|staging|local|docker|app|application|project|django|rails|laravel|wordpress"
    r"|vault|azure|aws|gcp|google|github|gitlab|slack|stripe|oauth|jwt|sso|saml|oidc|scott|tiger|x+|y+|z+|\*+|\.+|-+|_+|\d{1,6}"
)
_PLACEHOLDER = re2.compile(rf"(?i)(?:(?:{_WORDS})[\s._:/+!@-]{{0,3}})+".encode())
# A value that is put together where the program runs: ${TOKEN}, {{ token }}, %(password)s, %s, $1, #{x}, <token>, [token], @Value, a call
_EXPRESSION = re2.compile(rb"[${}<>\[\]()`]|%[sdvr@(]|#\{|\.\.\.|\*\*\*|xxx|XXX|\xe2\x80\xa6")
_CLASSES = (re2.compile(rb"[a-z]"), re2.compile(rb"[A-Z]"), re2.compile(rb"[0-9]"), re2.compile(rb"[^A-Za-z0-9\s]"))
# A name in a program, a word with others, a path.
_NAME = re2.compile(rb"[A-Za-z_]+(?:[._:/>-]+[A-Za-z_]+)*|[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+|[./~].*|https?:.*")


def is_placeholder(value: bytes) -> bool:
    """Whether a value only says that a secret belongs here."""
    return len(value) < 3 or _PLACEHOLDER.fullmatch(value) is not None or _EXPRESSION.search(value) is not None  # noqa: PLR2004


def has_shape(value: bytes, shape: str) -> bool:
    """Whether a value looks like a secret of this shape.

    A password beside code is a literal that mixes small and capital letters, digits and others, a token has a digit and no name's form,
    and what follows `Basic` is a user and a password in base64.
    """
    match shape:
        case "password":
            return all(pattern.search(value) for pattern in _CLASSES) and _NAME.fullmatch(value) is None
        case "token":
            return _CLASSES[2].search(value) is not None and _NAME.fullmatch(value) is None
        case "literal":
            return _NAME.fullmatch(value) is None
        case "basic":
            return _is_basic(value)
        case _:
            return True


def _is_basic(value: bytes) -> bool:
    try:
        decoded = b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except ValueError:
        return False
    user, colon, password = decoded.partition(b":")
    return bool(colon) and decoded.isascii() and decoded.decode().isprintable() and not is_placeholder(password) and bool(user or password)
