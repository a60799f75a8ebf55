"""Take macros that annotate C and C++ out of the parser's way: no grammar can know what they expand to."""

import re

_MACRO = rb"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b"
BALANCED = rb"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
# `class API name`, `INLINE auto f()`, `DEPRECATED("…") int f()`: in front of a keyword or of two names.
_KEYWORD = (
    rb"(?:auto|bool|char|class|const|constexpr|double|enum|explicit|extern|float|friend|inline|int|long|namespace|operator|short"
    rb"|signed|static|struct|template|typedef|union|unsigned|using|virtual|void|[A-Z][A-Z0-9]*_[A-Z0-9_]*)\b"
)
_TYPE_AND_NAME = rb"[A-Za-z_~][\w:]*(?:<[^<>;{}()]*>)?[ \t&*]+[A-Za-z_~]"
_ANNOTATION = re.compile(
    rb"(?<![#\w])(?P<macro>" + _MACRO + rb"(?:[ \t]*" + BALANCED + rb")?)(?=\s+(?:" + _KEYWORD + rb"|" + _TYPE_AND_NAME + rb"))"
)
_NAMED_TYPE = re.compile(
    rb"\b(?:class|struct|enum|union|namespace)[ \t]+(?P<macro>" + _MACRO + rb"(?:" + BALANCED + rb")?)(?=[ \t]+[A-Za-z_])"
)
_ALONE = re.compile(rb"(?m)^[ \t]*(?P<macro>" + _MACRO + rb")[ \t\r]*$")
_TEMPLATE_PARAMETER = re.compile(rb"(?<=[,<])\s*(?P<macro>[A-Z][A-Z0-9]*_[A-Z0-9_]+" + BALANCED + rb")(?=\s*[,>])")
_DIRECTIVE = re.compile(rb"(?m)^[ \t]*#(?:[^\\\n]|\\\r?\n|\\.)*")
_NOT_SPACE = re.compile(rb"[^\s]")


def without_macros(data: bytes) -> bytes:
    """The text with annotating macros blanked: same length, same lines; directives stay as they are."""
    parts: list[bytes] = []
    position = 0
    for directive in _DIRECTIVE.finditer(data):
        parts.extend((_blanked(data[position : directive.start()]), directive[0]))
        position = directive.end()
    parts.append(_blanked(data[position:]))
    return b"".join(parts)


def _blanked(code: bytes) -> bytes:
    code = _TEMPLATE_PARAMETER.sub(_typed, code)
    for pattern in (_NAMED_TYPE, _ALONE, _ANNOTATION):
        code = pattern.sub(_spaces, code)
    return code


def _spaces(match: re.Match[bytes]) -> bytes:
    begin, end = match.start("macro") - match.start(), match.end("macro") - match.start()
    return match[0][:begin] + _NOT_SPACE.sub(b" ", match[0][begin:end]) + match[0][end:]


def _typed(match: re.Match[bytes]) -> bytes:
    begin = match.start("macro") - match.start()
    spaces = _NOT_SPACE.sub(b" ", match[0][begin + 3 :])
    return match[0][:begin] + b"int" + spaces
