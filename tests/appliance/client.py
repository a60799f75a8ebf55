"""What an assistant does with the appliance, by a real MCP client over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


@dataclass(frozen=True)
class Assistant:
    """A client with a token; each call is a session of its own."""

    url: str
    token: str

    def call(self, tool: str, **arguments: str | int | None) -> dict[str, Any]:
        """Structured answer of a tool.

        Raises:
            fastmcp.exceptions.ToolError: the tool says what is wrong.
        """
        return asyncio.run(self._call(tool, arguments))

    async def _call(self, tool: str, arguments: dict[str, str | int | None]) -> dict[str, Any]:
        async with Client(StreamableHttpTransport(self.url, auth=self.token), timeout=60) as client:
            result = await client.call_tool(tool, arguments)
        answer = result.structured_content
        if not isinstance(answer, dict):
            raise TypeError(f"{tool} answered without structured content: {result}")
        return answer

    def search(self, query: str, **arguments: str | int | None) -> list[dict[str, Any]]:
        """Hits of search_code, best first."""
        hits: list[dict[str, Any]] = self.call("search_code", query=query, **arguments)["hits"]
        return hits

    def paths(self, query: str, **arguments: str | int | None) -> list[str]:
        """Paths of the hits, best first."""
        return [hit["path"] for hit in self.search(query, **arguments)]
