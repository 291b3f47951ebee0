"""Splits a command as a shell does: quotes, ``$'…'``, line continuations, and where the command ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["ShellCommand", "split_command"]

_PARAMETER = re.compile(r"\$(?:\w+|\{[^}]*\}|\([^)]*\)|[@*#?!$-])", re.ASCII)
_REDIRECTION = re.compile(r"&?>{1,2}[|&]?[ \t]*(&?\d+|[^\s|;&<>]*)")
_ANSI_C = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
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
    if re.search(r"\^\r?\n", text) or '^"' in text:
        raise ConfigurationError("the command is quoted for Windows' cmd: copy it as cURL (bash)")
    if re.search(r"`\r?\n", text):
        raise ConfigurationError("the command is quoted for PowerShell: copy it as cURL (bash)")
    splitter = _Splitter(text)
    splitter.run()
    return splitter.command


class _Splitter:
    """Goes through a text once; `word` is what has been read of the word at hand, None between words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.word: str | None = None
        self.command = ShellCommand()

    def run(self) -> None:
        while self.at < len(self.text):
            sign = self.text[self.at]
            if self.text.startswith(("\\\n", "\\\r\n"), self.at):
                self.at = self.text.index("\n", self.at) + 1
            elif sign.isspace():
                self.end_word()
                self.at += 1
                if sign == "\n" and self.command.words:
                    self.end_command("")
            elif sign == "#" and self.word is None:
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif sign in "|;&<>()":
                self.operator(sign)
            else:
                self.add(self.part(sign))
        self.end_word()

    def add(self, part: str) -> None:
        self.word = (self.word or "") + part

    def end_word(self) -> None:
        if self.word is not None:
            self.command.words.append(self.word)
        self.word = None

    def end_command(self, operator: str) -> None:
        rest = self.text[self.at :].strip()
        if rest:
            self.command.following = f"{operator} {rest}".strip()
        self.at = len(self.text)

    def operator(self, sign: str) -> None:
        if found := _REDIRECTION.match(self.text, self.at):
            if self.word is not None and self.word.isdigit():
                self.word = None
            self.end_word()
            self.at = found.end()
            if found[1] != "/dev/null" and not found[1].startswith("&") and not found[1].isdigit():
                self.command.output.append(found[1])
            return
        self.end_word()
        if sign in "<()":
            raise ConfigurationError(
                f"{sign}: stands outside of quotes, where the shell reads it: put what is meant into single quotes, and what "
                "a file would give into its place"
            )
        double = self.text[self.at : self.at + 2]
        operator = double if double in ("&&", "||") else sign
        self.at += len(operator)
        if operator == "&" and self.text[self.at :].strip():
            raise ConfigurationError("&: ends the command where it stands outside of quotes: put the URL into quotes")
        self.end_command(operator)

    def part(self, sign: str) -> str:
        """Read what begins with a sign, to the end of its quote."""
        if sign == "'":
            return self.to_quote("'", self.at + 1)
        if sign == '"':
            return self.double_quoted(self.at + 1)
        if self.text.startswith("$'", self.at):
            return self.ansi_c(self.at + 2)
        if self.text.startswith('$"', self.at):
            return self.double_quoted(self.at + 2)
        if sign in "$`":
            return self.parameter()
        if sign == "\\":
            self.at += 2
            return self.text[self.at - 1 : self.at]
        self.at += 1
        return sign

    def to_quote(self, quote: str, start: int) -> str:
        end = self.text.find(quote, start)
        if end < 0:
            raise _unclosed()
        self.at = end + 1
        return self.text[start:end]

    def double_quoted(self, start: int) -> str:
        self.at = start
        found: list[str] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == '"':
                self.at += 1
                return "".join(found)
            if sign == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
                escaped = self.text[self.at + 1]
                found.append("" if escaped == "\n" else escaped)
                self.at += 2
            elif sign in "$`":
                found.append(self.parameter())
            else:
                found.append(sign)
                self.at += 1
        raise _unclosed()

    def parameter(self) -> str:
        """Keep what the shell would fill in as it is written."""
        if self.text[self.at] == "`":
            found = f"`{self.to_quote('`', self.at + 1)}`"
        elif match := _PARAMETER.match(self.text, self.at):
            found, self.at = match[0], match.end()
        else:
            self.at += 1
            return "$"
        self.command.variables.append(found)
        return found

    def ansi_c(self, start: int) -> str:
        """Read ``$'…'`` (bash, "ANSI-C Quoting"), whose escapes are bytes; a NUL ends it, as it does in bash."""
        end = start
        while self.text[end : end + 1] != "'":
            if end >= len(self.text):
                raise _unclosed()
            end += 2 if self.text[end] == "\\" else 1
        self.at = end + 1
        content, found, last = self.text[start:end], bytearray(), 0
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
        return bytes([ord(control.upper()) & 0x1F])
    if sign in _ANSI_C_SIGNS:
        return bytes([_ANSI_C_SIGNS[sign]])
    return (sign if sign in "\\'\"?" else f"\\{sign}").encode("utf-8", "surrogateescape")


def _unclosed() -> ConfigurationError:
    return ConfigurationError(
        "the command can't be read: a quote is not closed; put it into single quotes as a whole, or give it on standard input"
    )
