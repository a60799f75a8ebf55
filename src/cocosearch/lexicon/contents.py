"""Which language a text is of, where several share an extension: rules in one linear-time matcher, over the text's beginning."""

import re
from functools import cache

import re2

from cocosearch.lexicon.table import Rule, table

_CPP = (
    r"^[ \t]*#[ \t]*include[ \t]*<[a-z_]+>"  # the standard library's headers have no suffix
    r"|^[ \t]*(?:class|struct|enum[ \t]+class)[ \t]+(?:[A-Z_]+[ \t]+)?\w+(?:[ \t]+final)?[ \t]*:[^:]"
    r"|^[ \t]*(?:enum[ \t]+)?class[ \t]+(?:[A-Z_]+[ \t]+)?\w+[ \t]*(?:final[ \t]*)?(?:[;{]|$)"
    r"|^[ \t]*(?:inline[ \t]+)?namespace\b[ \t]*[\w:]*[ \t]*(?:[{=]|$)"
    r"|^[ \t]*template[ \t]*<"
    r"|^[ \t]*using[ \t]+(?:namespace[ \t]+)?\w+(?:::\w+)*[ \t]*[=;]"
    r"|^[ \t]*(?:public|private|protected)[ \t]*(?:slots|Q_SLOTS)?[ \t]*:(?:[^:]|$)"
    r"|\b(?:static|dynamic|reinterpret|const)_cast[ \t]*<"
    r"|\bvirtual[ \t]+[~\w]|\boperator[ \t]*[-+*/=<>!(\[]|\bnoexcept\b|\bmutable[ \t]+\w|\bfriend[ \t]+\w|\btypename[ \t]+\w"
    r"|\bstd::\w|\b\w+::~?\w+[ \t]*[(;{]|\bconstexpr[ \t]+\w|\)[ \t]*(?:const[ \t]*)?(?:override|final)\b|=[ \t]*(?:default|delete)[ \t]*;"
)
_OBJECTIVE_C = r"^[ \t]*@(?:interface|class|protocol|property|end|implementation|import|synchronized)\b|^[ \t]*#[ \t]*import[ \t]+[\"<]"
_PREPROCESSOR = r"^[ \t]*#[ \t]*(?:include|define|undef|if|ifdef|ifndef|endif|pragma)\b"
_SYSTEMD = (
    r"^\[(?:Unit|Install|Service|Socket|Timer|Mount|Path|Slice|Match|Network|Link|NetDev|Container|Volume|Kube|Pod|Image|Build|DHCP\w*"
    r"|Address|Route|VLAN|Bridge|Bond)\][ \t]*$"
)
_PERL = r"^\s*(?:use|package|sub|my|our|require|no)\s+[\w$@%(:.]+|^\s*[$@%]\w+\s*=|^=(?:head\d|pod|cut)\b"
_NGINX = r"^\s*(?:server|location|upstream|http|events|map|geo|stream)\b[^;{}\n]*\{"
_APACHE = (
    r"(?i)^\s*<(?:VirtualHost|Directory|Location|IfModule|Files|FilesMatch|Proxy)\b[^>\n]*>"
    r"|^\s*(?:LoadModule|RewriteEngine|DocumentRoot)\s"
)


def _rule(language: str, *all_of: str, none_of: tuple[str, ...] = ()) -> Rule:
    return Rule(language, tuple(f"(?m){pattern}" for pattern in all_of), tuple(f"(?m){pattern}" for pattern in none_of))


_HAPROXY = _rule("haproxy", r"^(?:frontend|backend|listen)[ \t]+\w", r"^(?:global|defaults)\b")
_SERVERS = (_rule("nginx", _NGINX), _rule("apacheconf", _APACHE), _HAPROXY)
_UNITS = (_rule("systemd", _SYSTEMD),)
_PERL_FIRST = (_rule("perl", _PERL, none_of=(r"^\s*use\s+v6\b", r"^\s*:-")),)
# Before linguist's rules, by extension.
_OURS = {
    ".cfg": (_HAPROXY,),
    ".conf": _SERVERS,
    ".container": _UNITS,
    ".inc": (_rule("cpp", _PREPROCESSOR, _CPP), _rule("c", _PREPROCESSOR)),
    ".link": _UNITS,
    ".m": (
        _rule("objective-c", f"{_OBJECTIVE_C}|{_PREPROCESSOR}"),
        _rule("mercury", r"^:- module\b"),
        _rule("matlab", r"^\s*(?:(?:function|classdef)\b|%|(?:end|endfunction)\s*;?\s*$)|\w\.[*^/]"),
    ),
    ".ml": (_rule("ocaml", r"^let\s+(?:rec\s+)?[\w(]|^\s*(?:module|open|type)\s"), _rule("sml", r"^\s*(?:fun|structure|signature|val)\s")),
    ".netdev": _UNITS,
    ".network": _UNITS,
    ".path": _UNITS,
    ".pl": _PERL_FIRST,
    ".pm": _PERL_FIRST,
    ".r": (_rule("r", r"<-[ \t]*function\b|^\s*(?:library|require)\s*\(|<-"),),
    ".t": _PERL_FIRST,
    ".volume": _UNITS,
}
# linguist's rule for these would take `<TS` in a type's arguments for Qt's XML, and a comment's words for C++.
_NOT_LINGUISTS = frozenset({".ts", ".h"})
_COMMENT = re2.compile(r"(?s)/\*.*?\*/|//[^\n]*")
_FOR_CPP_ALONE = re2.compile(
    r"(?ms)^[ \t]*#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t]*\(?[ \t]*)__cplusplus\b.*?^[ \t]*#[ \t]*(?:endif|else|elif)\b"
)


def language_by_rules(extension: str, head: str) -> str | None:
    """The language whose rule the beginning of a text follows; None where no rule does."""
    head = head.encode("utf-8", "replace").decode("utf-8")  # the matcher takes no lone surrogates
    if extension == ".h":
        return _header(head)
    ours = _OURS.get(extension, ())
    theirs = () if extension in _NOT_LINGUISTS else table().rules.get(extension, ())
    return next((rule.language for rule in (*ours, *theirs) if _follows(rule, head)), None)


def _header(head: str) -> str:
    """A header without C++ in it is C; what only C++ compilers are to see does not count."""
    code = _FOR_CPP_ALONE.sub("", _COMMENT.sub("", head))
    if _compiled(f"(?m){_OBJECTIVE_C}").search(code):
        return "objective-c"
    return "cpp" if _compiled(f"(?m){_CPP}").search(code) else "c"


def _follows(rule: Rule, head: str) -> bool:
    return all(_compiled(each).search(head) for each in rule.all_of) and not any(_compiled(each).search(head) for each in rule.none_of)


@cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    compiled: re.Pattern[str] = re2.compile(pattern)
    return compiled
