"""What never enters an index, whatever a project's configuration says."""

import re
from fnmatch import fnmatchcase

# Names of files that hold credentials by convention. Matched without case against the file's name.
_SECRET_NAMES = (
    ".env",
    ".env[._-]*",
    "*.env",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.p8",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.gpg",
    "*.ovpn",
    "*.ppk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    "credentials",
    "credentials.json",
    "kubeconfig",
    "*.kubeconfig",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
)
# Names that only mean a secret in their directory.
_SECRET_PATHS = ("*.kube/config", "*.docker/config.json", "*.aws/config", "*.gnupg/*", "*.ssh/*")
# Templates that exist to be read.
_HARMLESS_SUFFIXES = (".example", ".sample", ".template", ".dist")

# A key without its end (a file that was cut) goes as far as what base64 and its headers are made of: code that only names the line stays.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:[^-]*+(?:-(?!----(?:BEGIN|END) )[^-]*+)*+-----END (?P=kind)-----|[A-Za-z0-9+/=\\:,\s-]*+)"
)
# Token shapes that their issuers document as fixed prefixes.
_TOKENS = re.compile(
    r"\b(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS access key id
    r"|gh[pousr]_[A-Za-z0-9]{36,255}"  # GitHub tokens
    r"|github_pat_[A-Za-z0-9_]{22,255}"
    r"|glpat-[A-Za-z0-9_-]{20,}"  # GitLab personal access token
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack tokens
    r"|sk_live_[A-Za-z0-9]{16,}"  # Stripe secret key
    r")"
)
REDACTED = "[redacted]"


def is_secret_name(path: str) -> bool:
    """Whether a file, by its path relative to the project, holds credentials by convention."""
    lowered = path.lower()
    name = lowered.rsplit("/", 1)[-1]
    if name.endswith(_HARMLESS_SUFFIXES):
        return False
    return any(fnmatchcase(name, pattern) for pattern in _SECRET_NAMES) or any(
        fnmatchcase("/" + lowered, "*/" + pattern.removeprefix("*")) for pattern in _SECRET_PATHS
    )


def redact(text: str) -> str:
    """The text without private keys and tokens of known shape; line numbers stay what they were."""
    without_keys = _PRIVATE_KEY.sub(lambda match: REDACTED + "\n" * match[0].count("\n"), text)
    return _TOKENS.sub(REDACTED, without_keys)
