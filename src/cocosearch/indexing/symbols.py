"""Names that a piece of code defines, by the keywords that languages define with."""

import re

MAX_SYMBOLS = 64

_FUNCTIONS = "def|function|func|fn|fun|sub|defp|defmacro"
_OTHERS = (
    "class|struct|enum|interface|trait|protocol|module|mod|namespace|package|type|record|object|impl|macro_rules!"
    "|defmodule|extension|union|contract|mixin|actor"
)
_MODIFIERS = (
    "export|default|public|private|protected|internal|static|final|abstract|async|unsafe|extern|const|pub(?:\\([^)]*\\))?|override|open|sealed"
    "|partial|virtual|inline|suspend|data|local|readonly|declare"
)
_DEFINITION = re.compile(
    rf"^[ \t]*(?:@\w+[ \t]+)*(?:(?:{_MODIFIERS})[ \t]+)*"
    # What a function belongs to is not its name: Go's (s *Server), Kotlin's String., Lua's M: and Ruby's self.
    rf"(?:(?:{_FUNCTIONS})[ \t*]+(?:<[^>\n]*>[ \t]*)?(?:\([^)]*\)[ \t]*)?(?:[A-Za-z_]\w*(?:<[^>\n]*>)?\??[.:]+)*"
    rf"|(?:{_OTHERS})(?:<[^>\n]*>)?[ \t*]+)"
    r"(?P<name>[A-Za-z_$][\w$]*[!?]?)",
    re.MULTILINE,
)
_ASSIGNED_FUNCTION = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:const|let|var)[ \t]+(?P<name>[A-Za-z_$][\w$]*)[ \t]*(?::[^=\n]+)?="
    r"[ \t]*(?:async[ \t]*)?(?:function\b|\([^()\n]*\)[^=\n]*=>|\w+[ \t]*=>)",
    re.MULTILINE,
)
# C, C++, Java, C#: a type, a name, parameters and an opening brace; keywords that look like it are no definitions.
_C_LIKE = re.compile(
    r"^[ \t]*(?:[A-Za-z_][\w:<>,\[\]*& \t]*?[ \t*&])(?:\w+::)*(?P<name>~?[A-Za-z_]\w*)"
    r"[ \t]*\([^;{}()]*(?:\([^()]*\)[^;{}()]*)*\)[^;{}()]*\{",
    re.MULTILINE,
)
_NOT_A_NAME = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "else", "do", "new", "sizeof", "defined", "using", "lock", "fixed"}
)
_SHELL_FUNCTION = re.compile(r"^[ \t]*(?P<name>[A-Za-z_][\w-]*)[ \t]*\(\)[ \t]*\{?", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<name>[^\n#][^\n]*?)[ \t#]*$", re.MULTILINE)

_C_FAMILY = frozenset({"c", "cpp", "c++", "csharp", "c#", "java"})


def symbols_of(text: str, language: str) -> list[str]:
    """Distinct names defined in the text, in its order; headings in Markdown."""
    if language == "markdown":
        patterns: tuple[re.Pattern[str], ...] = (_HEADING,)
    elif language in _C_FAMILY:
        patterns = (_DEFINITION, _C_LIKE)
    elif language == "bash":
        patterns = (_DEFINITION, _SHELL_FUNCTION)
    elif language in {"text", "json", "ini", "yaml", "toml", "csv", "rst"}:
        return []
    else:
        patterns = (_DEFINITION, _ASSIGNED_FUNCTION)
    found = sorted((match.start("name"), match["name"]) for pattern in patterns for match in pattern.finditer(text))
    return list(dict.fromkeys(name for _, name in found if name not in _NOT_A_NAME))[:MAX_SYMBOLS]
