"""A client of the tools, within this process."""

from typing import Any

from fastmcp import Client
from tests.unit.serving.fakes import BACKEND

from cocosearch.serving.backend import Backend
from cocosearch.serving.dispatch import CallLog
from cocosearch.serving.mcp import build_mcp
from cocosearch.settings import Settings


def client(backend: Backend = BACKEND) -> Client[Any]:
    return Client(build_mcp(Settings.model_validate({}), backend, CallLog()))
