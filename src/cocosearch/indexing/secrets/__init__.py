"""What never enters an index, whatever a project's configuration says: files of credentials by name, and values of secrets in any text."""

from cocosearch.indexing.secrets.names import is_secret_name
from cocosearch.indexing.secrets.redaction import REDACTED, redact

__all__ = ["REDACTED", "is_secret_name", "redact"]
