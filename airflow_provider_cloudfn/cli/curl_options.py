"""curl's options: their names, which of them take a value, and what is told of those that a cloud function has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["CONNECTION_NOTES", "read_options"]

#: Options without a value, by all their names; "" is what changes nothing that is sent.
_FLAGS = {
    "get": "-G --get", "head": "-I --head", "insecure": "-k --insecure", "globoff": "-g --globoff",
    "path-as-is": "--path-as-is", "digest": "--digest", "ntlm": "--ntlm", "negotiate": "--negotiate", "anyauth": "--anyauth",
    "netrc": "-n --netrc --netrc-optional", "next": "-: --next", "remote-name": "-O --remote-name -J --remote-header-name",
    "location-trusted": "--location-trusted",
    "": "-L --location -s --silent -S --show-error -v --verbose -i --include -f --fail --fail-with-body --fail-early "
        "--compressed -# --progress-bar --no-progress-meter -0 --http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 -N "
        "--no-buffer -4 -6 --ipv4 --ipv6 --basic -q --disable --raw --tcp-nodelay --tcp-fastopen --no-keepalive --no-sessionid "
        "--no-alpn --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 -1 --ssl --ssl-reqd --create-dirs --styled-output -R "
        "--remote-time --retry-all-errors --retry-connrefused --post301 --post302 --post303 --tr-encoding -j "
        "--junk-session-cookies --proxy-insecure --cert-status --no-clobber --form-escape",
}  # fmt: skip
_VALUED = {
    "request": "-X --request", "header": "-H --header", "url": "--url", "data": "-d --data --data-ascii",
    "data-raw": "--data-raw", "data-binary": "--data-binary", "data-urlencode": "--data-urlencode", "json": "--json",
    "url-query": "--url-query", "form": "-F --form", "form-string": "--form-string", "user": "-u --user",
    "user-agent": "-A --user-agent", "referer": "-e --referer", "bearer": "--oauth2-bearer", "cookie": "-b --cookie",
    "range": "-r --range", "request-target": "--request-target", "sigv4": "--aws-sigv4", "upload": "-T --upload-file",
    "max-time": "-m --max-time", "connect-timeout": "--connect-timeout", "retry": "--retry",
    "retry-max-time": "--retry-max-time", "cacert": "--cacert", "capath": "--capath", "cert": "-E --cert", "key": "--key",
    "pass": "--pass", "proxy": "-x --proxy --proxy1.0 --preproxy --socks4 --socks4a --socks5 --socks5-hostname",
    "proxy-user": "-U --proxy-user", "proxy-header": "--proxy-header", "config": "-K --config",
    "resolve": "--resolve --connect-to",
    "unix-socket": "--unix-socket --abstract-unix-socket", "continue-at": "-C --continue-at", "time-cond": "-z --time-cond",
    "netrc-file": "--netrc-file", "output": "-o --output",
    "": "-w --write-out -c --cookie-jar -D --dump-header --stderr --trace --trace-ascii --retry-delay --max-redirs --limit-rate "
        "-Y --speed-limit -y --speed-time --keepalive-time --ciphers --tls13-ciphers --tls-max --curves --interface --local-port "
        "--dns-servers --noproxy --max-filesize --expect100-timeout --happy-eyeballs-timeout-ms --output-dir --cert-type "
        "--key-type --pinnedpubkey --proto --proto-redir --proto-default --rate --crlfile",
}  # fmt: skip

_NO_SCHEME = (
    "has no {0} authentication: ask the service for an API key, a token or OAuth 2.0, or write an operator for it"
)
_UNSUPPORTED = {
    "digest": "--digest: a cloud function " + _NO_SCHEME.format("Digest"),
    "ntlm": "--ntlm: a cloud function " + _NO_SCHEME.format("NTLM"),
    "negotiate": "--negotiate: a cloud function " + _NO_SCHEME.format("Negotiate (Kerberos)"),
    "anyauth": "--anyauth: find out which authentication the service wants (curl -v shows it), and give --basic if it is Basic",
    "netrc": "--netrc: the credentials stand in a file: give them with -u, so that they become the connection's",
    "netrc-file": "--netrc-file: the credentials stand in a file: give them with -u, so that they become the connection's",
    "next": "--next: the command makes several requests: give one at a time, each becomes a task",
    "upload": "--upload-file: files are not imported; give what is in it with --data-binary and -X PUT",
    "config": "--config: the options stand in a file: put them into the command",
    "unix-socket": "--unix-socket: a connection goes to a host: publish the service on one",
    "resolve": "--resolve, --connect-to: a connection goes to where its host's name leads: write that host into the URL",
    "continue-at": "--continue-at: a call begins anew each time: write the header, as in -H 'Range: bytes=100-'",
    "time-cond": "--time-cond: write the header, as in -H 'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT'",
}
#: What belongs into the connection and is not taken over.
CONNECTION_NOTES = {
    "insecure": "-k was left out: to trust a certificate of your own, give its authority in ca_bundle of the connection",
    "capath": "--capath: put the authorities into one PEM file, and give it in ca_bundle of the connection",
    "pass": "--pass: give the passphrase in client_private_key_passphrase of the connection",
    "proxy-user": "the proxy's user and password belong into proxy of the connection: http://user:password@proxy.example.com:3128",
    "proxy-header": "--proxy-header was left out: a proxy gets no headers of its own",
    "location-trusted": "--location-trusted was left out: credentials never leave the connection's host",
    "output": "the file for the answer was left out: give response_file to the operator, a path of an object storage",
    "remote-name": "the file for the answer was left out: give response_file to the operator, a path of an object storage",
}


#: What an option means by each of its names, and whether it takes a value.
_NAMES = {
    name: (meaning, has_value)
    for table, has_value in ((_FLAGS, False), (_VALUED, True))
    for meaning, names in table.items()
    for name in names.split()
}


def read_options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """
    Yield the options of a command under one name each, with their values, in their order; a URL is ``url``.

    :param words: What follows ``curl``.
    :raises ConfigurationError: for an option that is unknown, lacks its value, or has no equivalent.
    """
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from (("url", one) for one in rest)
        elif not word.startswith("-") or word == "-":
            yield "url", word
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            meaning, has_value = _meaning(name)
            if has_value:
                yield meaning, value if equals else _next(rest, name)
            else:
                yield meaning, ""
        else:
            yield from _short(word, rest)


def _short(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Read short options, of which several can stand in one word, and the last can have its value there, too."""
    for index in range(1, len(word)):
        name = f"-{word[index]}"
        meaning, has_value = _meaning(name)
        if has_value:
            yield meaning, word[index + 1 :] or _next(rest, name)
            return
        yield meaning, ""


def _meaning(name: str) -> tuple[str, bool]:
    known = _NAMES.get(name)
    if known is None and len(name) > 4:
        # A long option's name may be shortened as long as it is clear (curl(1)).
        longer = [whole for whole in _NAMES if whole.startswith(name)]
        known = _NAMES[longer[0]] if len(longer) == 1 else None
    if known is None:
        if name.startswith("--no-") and _NAMES.get(f"--{name[5:]}", ("", True))[1] is False:
            return "", False
        raise ConfigurationError(
            f"{name}: this option of curl is not known here: leave it out, if it changes nothing of what is sent"
        )
    if known[0] in _UNSUPPORTED:
        raise ConfigurationError(_UNSUPPORTED[known[0]])
    return known


def _next(rest: Iterator[str], name: str) -> str:
    value = next(rest, None)
    if value is None:
        raise ConfigurationError(f"{name}: its value is missing")
    return value
