"""The bearer tokens as fastmcp wants them."""

from fastmcp.server.auth import AccessToken, TokenVerifier

from cocosearch.access.tokens import TokenFile


class FileTokenVerifier(TokenVerifier):
    """Accepts the tokens of the token file; a client is known by the number of its line (`token-1`), which the log names."""

    def __init__(self, tokens: TokenFile) -> None:
        super().__init__()
        self._tokens = tokens

    async def verify_token(self, token: str) -> AccessToken | None:
        """The client behind a presented token, or None."""
        number = self._tokens.current().match(token)
        if number is None:
            return None
        return AccessToken(token="", client_id=f"token-{number}", scopes=[])
