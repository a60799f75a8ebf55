"""What never enters an index, whatever a project's configuration says: files of credentials by name, and values of secrets in any text."""

from cocosearch.indexing.sources.secrets.names import is_secret_name
from cocosearch.indexing.sources.secrets.redaction import REDACTED, redact

__all__ = ["REDACTED", "is_secret_name", "redact"]
