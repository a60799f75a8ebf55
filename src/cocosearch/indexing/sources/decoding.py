"""From bytes to text: which encoding a file is in, or that it is no text.

In this order: a byte order mark; UTF-8; what the file declares of itself; UTF-8 with a few broken bytes; what chardet detects;
Windows-1252.
"""

import codecs
import re
from collections.abc import Iterator

import chardet

from cocosearch.lexicon.normalization import nfc

SNIFF_BYTES = 8192  # git decides by a NUL in the first 8,000 bytes too (xdiff-interface.c)
MAX_CONTROL_SHARE = 0.02
_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\n\r\f\b\x1b")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# Text in a wide encoding without a mark is told by its ASCII: syntax, spaces, line ends.
_LEAST_ASCII = 0.5

# What a file may declare: where, and how. Each is looked for in the first or last few lines.
_DECLARATIONS = (
    re.compile(rb"\A(?:[^\n]{0,200}\n)?[ \t\f]*(?:#|/\*|//|;|%|--|<!--|\"\"?\"?|')[^\n]{0,200}?coding[:=][ \t]*([-\w.]{2,40})"),  # PEP 263
    re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([-\w.]{2,40})", re.IGNORECASE),
    re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([-\w.]{2,40})", re.IGNORECASE),
    re.compile(rb"\A@charset\s+\"([-\w.]{2,40})", re.IGNORECASE),
    re.compile(rb"Content-Type:\s*text/[-\w.+]{1,40};\s*charset=([-\w.]{2,40})", re.IGNORECASE),  # gettext, mail
    re.compile(rb"\\usepackage\[(\w{2,40})\]\{inputenc\}"),
)
_MODELINE = re.compile(rb"\b(?:vim?|ex):[^\n]{0,200}?\b(?:fileencoding|fenc)=([-\w.]{2,40})")
_LOCAL_VARIABLES = re.compile(rb"Local Variables:[^\n]{0,200}\n(?:[^\n]{0,200}\n){0,20}?[^\n]{0,40}?\bcoding:[ \t]*([-\w.]{2,40})")
_DECLARED_WITHIN = 2048
_LINE_END_OF_NAME = re.compile(r"-(?:unix|dos|mac)$")
# The encoding that holds another and more, as browsers read it (encoding.spec.whatwg.org).
_SUPERSETS = {
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
_MULTIBYTE = frozenset(
    {
        *("cp932", "shift_jis", "shift_jisx0213", "shift_jis_2004", "euc_jp", "euc_jisx0213", "euc_jis_2004", "cp949", "euc_kr", "johab"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "cp950", "hz"),
    }
)
_SEVEN_BIT = re.compile(r"iso2022_(?:jp|kr)")
_SINGLE_BYTE = re.compile(r"(?:cp\d{3,4}|iso8859-\d{1,2}|koi8-[rtu]|kz1048|ptcp154|mac-[a-z0-9]+|tis-620|hp-roman8)$")
# EBCDIC has no line that could have said so.
_EBCDIC = frozenset({"cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140"})

# Lines with other bytes than ASCII are what tells an encoding; so many bytes of them are looked at.
_SAMPLE_BYTES = 8192
# Letters with accents stand alone or in pairs between letters of ASCII; letters of other scripts stand in words.
_HIGH = re.compile(rb"[\x80-\xff]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_LINE_END = re.compile(rb"[\r\n]")
_BREAK = re.compile(rb"[\x00- ]")
_AROUND = 512
_LETTERS_BEFORE = re.compile(rb"[A-Za-z]+\Z")
_LETTERS = re.compile(rb"[A-Za-z]{1,2}")
_LETTERS_BESIDE = 2  # one may be the second byte of a character of Big5
_LONGEST_ACCENTED = 2
# Fewer accents tell nothing: they are what they mostly are.
_LEAST_ACCENTS = 4
_LATIN = ("cp1252", "iso8859-2", "cp1250", "cp1254", "cp1257", "cp437", "cp850", "cp852", "mac-roman")
_OTHER_SCRIPTS = (
    *("cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949", "cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5"),
    *("cp1253", "iso8859-7", "cp1255", "cp1256", "cp874", "cp437"),
)
_FALLBACK = "cp1252"
_REPLACED = "\ufffd"
# Of a text that is UTF-8 but for some bytes, so many characters are right for each that is not.
_RIGHT_PER_WRONG = 3


def text_of(data: bytes) -> str | None:
    """The text of a file as it is indexed, in NFC: a line feed ends its lines, wherever that, a carriage return or both did.

    Nothing else ends a line (no form feed, no U+2028), as in editors and compilers. None for what is no text.
    """
    text = decode(data)
    return None if text is None else nfc(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))


def decode(data: bytes) -> str | None:
    """Text of the bytes, with its own line ends; None for what is no text. The same bytes give the same text everywhere."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding) if encoding != "utf-8-sig" else data[len(mark) :].decode("utf-8", "replace")
    head = data[:SNIFF_BYTES]
    if b"\0" in head:
        return _wide(data)
    utf8 = _strictly(data, "utf-8")
    declared = _declared(data)
    if utf8 is not None:
        believed = declared is not None and _meant(declared, utf8)
        return (_strictly(data, declared) if believed and declared else None) or utf8
    if sum(byte in _CONTROLS for byte in head) > MAX_CONTROL_SHARE * len(head):
        return None
    if declared is not None and (text := _strictly(data, declared)) is not None:
        return text
    return _nearly_utf8(data) or _detected(data)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _wide(data: bytes) -> str | None:
    """Text in UTF-16 or UTF-32 without a mark."""
    head = data[: SNIFF_BYTES // 4 * 4]
    for encoding in _WIDE:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
        ascii_ = sum(" " <= character <= "~" or character in "\t\n\r\f" for character in text)
        if ascii_ >= _LEAST_ASCII * len(text) and not {"\0", _REPLACED} & set(text):
            controls = sum(ord(character) in _CONTROLS for character in text)
            return _strictly(data, encoding) if controls <= MAX_CONTROL_SHARE * len(text) else None
    return None


def _declared(data: bytes) -> str | None:
    """Python's name of the encoding that the file says it is in, if it is one for text."""
    head, tail = data[:_DECLARED_WITHIN], data[-_DECLARED_WITHIN:]
    for name in _names(head.replace(b"\r", b"\n"), tail.replace(b"\r", b"\n")):
        label = _LINE_END_OF_NAME.sub("", name.decode("ascii", "replace").lower().removeprefix("x-"))
        try:
            encoding = codecs.lookup(label).name
        except (LookupError, ValueError):
            continue
        encoding = _SUPERSETS.get(encoding, encoding)
        if encoding in _MULTIBYTE or _SEVEN_BIT.match(encoding) or (_SINGLE_BYTE.match(encoding) and encoding not in _EBCDIC):
            return encoding
    return None


def _names(head: bytes, tail: bytes) -> Iterator[bytes]:
    for pattern in _DECLARATIONS:
        if match := pattern.search(head):
            yield match[1]
    for pattern in (_MODELINE, _LOCAL_VARIABLES):
        for part in (head, tail):
            if match := pattern.search(part):
                yield match[1]


def _meant(declared: str, utf8: str) -> bool:
    """Whether bytes that are UTF-8 too are in the declared encoding all the same.

    A declaration often stays behind when a file is converted. What has letters of three bytes is UTF-8 by no accident; of two bytes it may
    be two characters of an encoding that has two bytes for each.
    """
    if _SEVEN_BIT.match(declared) or declared == "hz":
        return utf8.isascii()
    return declared in _MULTIBYTE and not utf8.isascii() and max(utf8) < "\u0800"


def _nearly_utf8(data: bytes) -> str | None:
    text = data.decode("utf-8", "replace")
    wrong = text.count(_REPLACED)
    right = sum(map(len, _NOT_ASCII.findall(text))) - wrong
    return text if right >= _RIGHT_PER_WRONG * wrong else None


def _detected(data: bytes) -> str:
    sample = _telling_lines(data)
    runs = list(_HIGH.finditer(sample))
    high = sum(len(run[0]) for run in runs)
    latin = 2 * sum(len(run[0]) for run in runs if _is_accented(run)) >= high or len(runs) == high < _LEAST_ACCENTS
    if not latin or high >= _LEAST_ACCENTS:
        encodings = _LATIN if latin else _OTHER_SCRIPTS
        found = chardet.detect(sample, include_encodings=encodings, compat_names=False, no_match_encoding=encodings[0])
        if (text := _strictly(data, found["encoding"] or _FALLBACK)) is not None:
            return text
    return data.decode(_FALLBACK, errors="replace")


def _is_accented(run: re.Match[bytes]) -> bool:
    """Whether it may be one letter, or two, of a word in Latin script, or a sign that stands alone."""
    before, after = _LETTERS_BEFORE.search(run.string, max(0, run.start() - 2), run.start()), _LETTERS.match(run.string, run.end())
    beside = (len(before[0]) if before else 0) + (len(after[0]) if after else 0)
    return len(run[0]) <= _LONGEST_ACCENTED and (beside >= _LETTERS_BESIDE or (beside == 0 and len(run[0]) == 1))


def _telling_lines(data: bytes) -> bytes:
    """The first lines, or parts of long ones, that are not all ASCII."""
    parts: list[bytes] = []
    size = end = 0
    while size < _SAMPLE_BYTES and (match := _HIGH.search(data, end)):
        begin = max(data.rfind(b"\n", end, match.start()), data.rfind(b"\r", end, match.start())) + 1 or end
        begin = begin if match.start() - begin <= _AROUND else match.start()
        # No character of several bytes ends in one of these.
        most = match.start() + _AROUND
        stop = _LINE_END.search(data, match.start(), most) or _BREAK.search(data, min(match.end(), most), most + _AROUND)
        end = stop.start() if stop else min(len(data), most + _AROUND)
        parts.append(data[begin:end])
        size += len(parts[-1])
    return b"\n".join(parts)
