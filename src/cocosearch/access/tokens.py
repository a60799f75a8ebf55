"""Bearer tokens of the HTTP transports: made once into a file, read again when it changes, compared in constant time.

Heavy imports stay out of this module: `cocosearch token create` needs the files alone. The verifier for fastmcp is in `verifier.py`.
"""

import hashlib
import hmac
import logging
import os
import secrets
import stat
import time
from pathlib import Path

from cocosearch.errors import ConfigurationError

log = logging.getLogger(__name__)

MINIMUM_TOKEN_LENGTH = 32
MAXIMUM_FILE_BYTES = 65_536
_CREATED_TOKEN_BYTES = 32
_SETTLED_NANOSECONDS = 2_000_000_000


class TokenSet:
    """The accepted tokens, kept as SHA-256 digests so that neither memory dumps nor `repr` give one away."""

    __slots__ = ("_digests",)

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self._digests = tuple(hashlib.sha256(token.encode()).digest() for token in tokens)

    def __len__(self) -> int:
        return len(self._digests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenSet) and self._digests == other._digests

    def __hash__(self) -> int:
        return hash(self._digests)

    def __repr__(self) -> str:
        return f"TokenSet({len(self)} tokens)"

    def match(self, presented: str) -> int | None:
        """Number (from 1) of the line that holds the presented token, or None.

        Every digest is compared, each in constant time: how long the answer takes says nothing about the tokens.
        """
        digest = hashlib.sha256(presented.encode(errors="surrogatepass")).digest()
        matched = None
        for number, known in enumerate(self._digests, start=1):
            if hmac.compare_digest(digest, known):
                matched = number
        return matched


def load_tokens(path: Path) -> TokenSet:
    """The tokens of a file (see `read_tokens`), kept as digests."""
    return TokenSet(read_tokens(path))


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a token file: one token a line, empty lines and lines that begin with `#` aside.

    Several tokens may stand in it, so that one can be replaced without cutting off every client at once.

    Raises:
        ConfigurationError: the file is missing, no regular file, readable for other users, empty, or holds a line that is no token.
    """
    return parse_tokens(_read(path, private=True), path)


def check_tokens(path: Path) -> int:
    """How many tokens a file holds that is for somebody else to read: whom it is open to says nothing.

    Raises:
        ConfigurationError: it is no usable token file.
    """
    return len(parse_tokens(_read(path, private=False), path))


def parse_tokens(text: str, path: Path) -> tuple[str, ...]:
    """The tokens in the content of a file; `path` names it in errors.

    Raises:
        ConfigurationError: it holds none, or a line that is no token.
    """
    tokens: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        token = line.strip()
        if not token or token.startswith("#"):
            continue
        if len(token) < MINIMUM_TOKEN_LENGTH:
            raise ConfigurationError(
                f"Line {number} of the token file {path} has {len(token)} characters; a token needs at least {MINIMUM_TOKEN_LENGTH}. "
                "`cocosearch token create FILE` makes a good one."
            )
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError(
                f"Line {number} of the token file {path} holds a character that cannot be sent in a header. "
                "A token is letters, digits and punctuation without spaces."
            )
        tokens.append(token)
    if not tokens:
        raise ConfigurationError(
            f"The token file {path} holds no token. Remove it and run `cocosearch token create {path}`, or write one token a line."
        )
    return tuple(tokens)


class TokenFile:
    """The tokens that a file holds now; the first look is made at once.

    A file that cannot be used any more leaves the tokens in force that were read before, and is said once.

    Raises:
        ConfigurationError: the file is not usable at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _fingerprint(path)
        self._tokens = load_tokens(path)
        self._said = ""

    def current(self) -> TokenSet:
        """The tokens that are accepted in this moment."""
        found = _fingerprint(self._path)
        if found != self._seen or found is None or _may_change_unseen(found):
            self._read()
            self._seen = found
        return self._tokens

    def _read(self) -> None:
        try:
            tokens = load_tokens(self._path)
        except ConfigurationError as error:
            if str(error) != self._said:
                self._said = str(error)
                log.error("the tokens read before stay valid: %s", error)  # noqa: TRY400 - the sentence says it all
            return
        if tokens != self._tokens or self._said:
            log.info("the token file %s has changed: %d tokens are accepted", self._path, len(tokens))
        self._tokens, self._said = tokens, ""


def _fingerprint(path: Path) -> tuple[int, ...] | None:
    """What tells one state of a file from another, without reading it; None if it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)


def _may_change_unseen(fingerprint: tuple[int, ...]) -> bool:
    """Whether the file is so young that another write, in the same tick of the file system's clock, would leave its times as they are."""
    return time.time_ns() - fingerprint[-1] < _SETTLED_NANOSECONDS


def create_token_file(path: Path) -> bool:
    """Write a new random token to `path` (mode 0600), unless a file is there: an existing one is checked and left as it is.

    The file appears with its whole content or not at all. Returns whether it was created.

    Raises:
        ConfigurationError: the directory cannot be written, or the existing file is no usable token file.
    """
    if os.access(path, os.F_OK):
        load_tokens(path)
        return False
    pending = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_token(pending)
        try:
            return _appear(pending, path)
        finally:
            pending.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"The token file {path} cannot be created: {error.strerror}. Run the command as a user who may write {path.parent}."
        ) from error


def rotate_token_file(path: Path, *, keep: bool) -> None:
    """Put a new random token in the place of those in the file, or before them, to give clients time, if they are to be kept.

    Raises:
        ConfigurationError: the file is no usable token file, or cannot be replaced.
    """
    kept = read_tokens(path) if keep else ()
    load_tokens(path)
    pending = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        owner = path.stat()
        _write_token(pending, kept)
        os.chown(pending, owner.st_uid, owner.st_gid)
        pending.replace(path)
    except OSError as error:
        pending.unlink(missing_ok=True)
        raise ConfigurationError(
            f"The token file {path} cannot be replaced: {error.strerror}. Run the command as a user who may write {path.parent}."
        ) from error


def _write_token(path: Path, kept: tuple[str, ...] = ()) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.writelines(f"{token}\n" for token in (secrets.token_hex(_CREATED_TOKEN_BYTES), *kept))
        stream.flush()
        os.fsync(stream.fileno())


def _appear(pending: Path, path: Path) -> bool:
    """Give the written file its name, unless another process made one in this moment; that one's token is the one then."""
    try:
        os.link(pending, path)
    except FileExistsError:
        load_tokens(path)
        return False
    return True


def _read(path: Path, *, private: bool) -> str:
    """Content of a token file that other users cannot read, if `private`; judged on the open file, so that a swap changes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigurationError(
            f"The token file {path} cannot be read: {error.strerror}. `cocosearch token create {path}` makes one; "
            "COCOSEARCH_TOKEN_FILE names it."
        ) from error
    try:
        _check_kind(path, os.fstat(descriptor), private=private)
        content = os.read(descriptor, MAXIMUM_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAXIMUM_FILE_BYTES:
        raise ConfigurationError(f"The token file {path} is larger than {MAXIMUM_FILE_BYTES} bytes; it should hold one token a line.")
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise ConfigurationError(f"The token file {path} is not plain ASCII text; it should hold one token a line.") from None


def _check_kind(path: Path, status: os.stat_result, *, private: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"The token file {path} is not a regular file. Give COCOSEARCH_TOKEN_FILE the path of one.")
    if private and status.st_mode & 0o077 and not _is_systemd_credential(path):
        raise ConfigurationError(
            f"The token file {path} is open to other users of this machine (mode {stat.S_IMODE(status.st_mode):04o}). "
            f"Run `chmod 600 {path}`, and make a new token if somebody may have read it."
        )


def _is_systemd_credential(path: Path) -> bool:
    """Whether the file is in this service's credential directory: mode 0440 there, but closed to others by the directory."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(directory) and path.resolve().parent == Path(str(directory)).resolve()
