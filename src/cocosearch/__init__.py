"""Self-hosted code search: index codebases into PostgreSQL, answer over MCP, a CLI and HTTP.

Importing this package switches off every call home of the libraries below it, before any of them is imported:
cocoindex posts usage data at import and prints the failure to stdout, which on the stdio transport carries MCP alone;
fastmcp asks a package index for updates and reads a `.env` from the current directory, which may be a hostile project;
onnxruntime reports to its maker, under a device id that it writes into the user's home.
"""

import os
from importlib.metadata import version

os.environ["COCOINDEX_DISABLE_USAGE_TRACKING"] = "1"
os.environ["FASTMCP_CHECK_FOR_UPDATES"] = "off"
os.environ["FASTMCP_SHOW_SERVER_BANNER"] = "false"
os.environ["FASTMCP_TELEMETRY_MODE"] = "off"
os.environ["FASTMCP_ENV_FILE"] = os.devnull
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = version("cocosearch-appliance")
