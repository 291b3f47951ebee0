"""Splits a command as a shell does: quotes, ``$'…'``, line continuations, and where the command ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["ShellCommand", "split_command"]

#: What a shell fills in.
_PARAMETER = r"\$(?:[A-Za-z0-9_]+|\{[^}]*\}|\([^)]*\)|[@*#?!$-])|`[^`]*`"
_PIECE = re.compile(
    rf"""
      (?P<continuation>\\\r?\n)
    | (?P<space>\s)
    | (?P<redirection>&?>{{1,2}}(?:&(?:\d+-?|-)|[|&]?(?P<to_file>[ \t]*)))
    | (?P<operator>\|\||&&|[|;&<()])
    | '(?P<single>[^']*)'
    | \$'(?P<ansi_c>(?:[^'\\]|\\.)*+)'
    | \$?"(?P<double>(?:{_PARAMETER}|[^"\\`]|\\.)*+)"
    | (?P<parameter>{_PARAMETER})
    | \\(?P<escaped>.?)
    | (?P<hash>\#)
    | (?P<plain>[^\s'"`$\\|;&<>()#]+|\$(?!['"]))
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_DOUBLE_QUOTES = re.compile(rf"(?P<parameter>{_PARAMETER})|\\(?P<escaped>[$`\"\\\n])")
#: It takes the next sign as it is, and so ends no line.
_BLANK_BEHIND_BACKSLASH = re.compile(r"\\[ \t\u00a0]+\r?\n")
_OTHER_ESCAPES = re.compile(r'\^(?:"|\r?\n)|`\r?\n')
#: Braces of which bash makes several words, and those of which it does not.
_SEVERAL = re.compile(r"\{[^{}]*,[^{}]*\}|\{(?:-?\d+\.\.-?\d+|[A-Za-z]\.\.[A-Za-z])(?:\.\.-?\d+)?\}")
_SINGLE = re.compile(rf"(?!{_SEVERAL.pattern})\{{[^{{}}]*\}}")
_HOME = re.compile(r"~[\w.+-]*(?:/\S*)?$")
_ANSI_C = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(\\\\|.)|(.))", re.DOTALL
)
_ANSI_C_SIGNS = {"a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


@dataclass(slots=True)
class ShellCommand:
    """
    The first command of a text.

    :param words: Its words, quotes taken off; bytes that are no UTF-8 are lone surrogates (:pep:`383`).
    :param variables: What the shell would have filled in, such as ``$ID``; it stands in the words as it is written.
    :param output: Files that its output would go to.
    :param following: What the shell would do next, such as ``| jq .``.
    """

    words: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    following: str = ""


def split_command(text: str) -> ShellCommand:
    """
    Split a text into the words of its first command.

    :param text: As it is typed into a POSIX shell or bash.
    :raises ConfigurationError: for a quote that is not closed, input that comes from elsewhere, and the quoting of another shell.
    """
    _refuse_other_languages(text)
    command, at = ShellCommand(), 0
    word: str | None = None  # None between words
    bare = ""  # the word, without what is quoted in it
    is_target = False  # whether the word is where the output goes
    while at < len(text):
        _refuse_other_shells(text, at)
        if (piece := _PIECE.match(text, at)) is None:
            raise ConfigurationError(
                "the command can't be read: a quote is not closed; put it into single quotes as a whole, or give it on "
                "standard input"
            )
        at, kind = piece.end(), piece.lastgroup
        if kind in ("space", "redirection", "operator"):
            # Digits before a redirection are a file's number, and no word.
            if word is not None and not (kind == "redirection" and word.isdigit()):
                _end_word(command, word, is_target=is_target)
            _refuse_braces(bare)
            word, bare, is_target = None, "", piece["to_file"] is not None
            if kind == "operator" or (piece[0] == "\n" and command.words):
                command.following = _following(piece[0].strip(), text[at:].strip())
                break
        elif kind == "hash" and word is None:
            at = len(text) if (end := text.find("\n", at)) < 0 else end
        elif kind != "continuation":
            if kind == "plain":
                bare += piece[0]
                if word is None and (home := _HOME.match(piece[0])):
                    command.variables.append(home[0])
            word = (word or "") + _read(piece, command)
    if word is not None:
        _end_word(command, word, is_target=is_target)
    _refuse_braces(bare)
    return command


def _refuse_other_languages(text: str) -> None:
    if re.match(r"\s*(await\s+)?fetch\s*\(", text):
        raise ConfigurationError("the command is JavaScript's fetch: copy it as cURL (bash)")
    if re.match(r"\s*(Invoke-|\$session\b)", text):
        raise ConfigurationError("the command is quoted for PowerShell: copy it as cURL (bash)")


def _refuse_other_shells(text: str, at: int) -> None:
    """Refuse the escapes of other shells, which stand outside of quotes, and one that is none of a line's end."""
    if _BLANK_BEHIND_BACKSLASH.match(text, at):
        raise ConfigurationError(
            "\\: has a blank behind it at the end of its line, where the shell ends the command: take the blank away"
        )
    if found := _OTHER_ESCAPES.match(text, at):
        shell = "Windows' cmd" if found[0].startswith("^") else "PowerShell"
        raise ConfigurationError(f"the command is quoted for {shell}: copy it as cURL (bash)")


def _refuse_braces(bare: str) -> None:
    """Refuse a word of which bash makes several."""
    while (simpler := _SINGLE.sub("", bare)) != bare:
        bare = simpler
    if _SEVERAL.search(bare):
        raise ConfigurationError(
            "braces stand outside of quotes, where the shell makes several words of one: put the word into single quotes"
        )


def _end_word(command: ShellCommand, word: str, *, is_target: bool) -> None:
    if not is_target:
        command.words.append(word)
    elif word != "/dev/null" and not word.isdigit():
        command.output.append(word)


def _following(operator: str, rest: str) -> str:
    """Return what comes after the command, where an operator can end it."""
    if operator in ("<", "(", ")"):
        raise ConfigurationError(
            f"{operator}: stands outside of quotes, where the shell reads it: put what is meant into single quotes, and what "
            "a file would give into its place"
        )
    if operator == "&" and rest:
        raise ConfigurationError("&: ends the command where it stands outside of quotes: put the URL into quotes")
    return f"{operator} {rest}".strip() if rest else ""


def _read(piece: re.Match[str], command: ShellCommand) -> str:
    """Return what a part of a word stands for; what the shell would fill in stays as it is written, and is noted."""
    kind = piece.lastgroup or ""
    if kind == "parameter":
        command.variables.append(piece[kind])
    elif kind == "double":
        return _IN_DOUBLE_QUOTES.sub(lambda inner: _read(inner, command).removeprefix("\n"), piece[kind])
    elif kind == "ansi_c":
        return _ansi_c(piece[kind])
    return piece[kind]


def _ansi_c(content: str) -> str:
    """Read ``$'…'`` (bash, "ANSI-C Quoting"), whose escapes are bytes; a NUL ends it, as it does in bash."""
    found, last = bytearray(), 0
    for escape in _ANSI_C.finditer(content):
        found += content[last : escape.start()].encode("utf-8", "surrogateescape") + _escaped(escape)
        last = escape.end()
    found += content[last:].encode("utf-8", "surrogateescape")
    return bytes(found).partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _escaped(escape: re.Match[str]) -> bytes:
    byte, short, long, octal, control, sign = escape.groups()
    if byte:
        return bytes([int(byte, 16)])
    if short or long:
        code = int(short or long, 16)
        if code > 0x10FFFF:
            raise ConfigurationError(f"{escape[0]}: is no character of Unicode")
        return chr(code).encode("utf-8", "surrogatepass")
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if control:
        return bytes([ord(control[-1].upper()) & 0x1F])
    if sign in _ANSI_C_SIGNS:
        return bytes([_ANSI_C_SIGNS[sign]])
    return (sign if sign in "\\'\"?" else f"\\{sign}").encode("utf-8", "surrogateescape")
