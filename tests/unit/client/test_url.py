"""No URI leads away from the connection's origin or above its path, whatever it is."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from airflow_provider_cloudfn.client.url import BaseUrl, Origin, split_url, without_parameters
from airflow_provider_cloudfn.exceptions import ConfigurationError

BASES = ["https://api.example.com", "https://api.example.com/v2", "https://api.example.com:8443/a/b/"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://api.example.com/v2/", "https://api.example.com/v2"),
        ("https://api.example.com:8443/v2", "https://api.example.com:8443/v2"),
        ("https://api.example.com/a%2Fb/ü", "https://api.example.com/a%2Fb/%C3%BC"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://localhost", "http://localhost"),
        ("http://shop.localhost", "http://shop.localhost"),
        ("http://localhost.", "http://localhost."),
    ],
)
def test_a_base_url_is_read(written: str, shown: str) -> None:
    assert str(BaseUrl.parse(written)) == shown


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "no absolute http or https URL"),
        ("api.example.com", "no absolute http or https URL"),
        ("/v1", "no absolute http or https URL"),
        ("ftp://api.example.com", "no absolute http or https URL"),
        ("https://", "no absolute http or https URL"),
        ("https://api.example.com:x", "can't be read"),
        ("https://api.example.com:70000", "can't be read"),
        ("https://[::1", "can't be read"),
        ("https://user@api.example.com", "user name"),
        ("https://user:s3cret@api.example.com", "user name"),
        ("https://api.example.com?x=1", "query or a fragment"),
        ("https://api.example.com?", "query or a fragment"),
        ("https://api.example.com#x", "query or a fragment"),
        ("https://api.exam ple.com", "white space"),
        ("https://api.example.com/\n", "white space"),
        ("http://api.example.com", "without TLS"),
        ("http://127.0.0.1.example.com", "without TLS"),
        ("https://api.example.com/a/../b", "'.' or '..'"),
        ("https://api.example.com/%2e%2E/b", "'.' or '..'"),
    ],
)
def test_anything_else_is_refused(written: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        BaseUrl.parse(written)

    assert "s3cret" not in str(raised.value)


def test_plain_http_can_be_allowed() -> None:
    assert BaseUrl.parse("http://api.internal", allow_http=True).origin == Origin("http", "api.internal", 80)


@pytest.mark.parametrize(
    ("base", "uri", "expected"),
    [
        ("https://h", "", "https://h/"),
        ("https://h", "/", "https://h/"),
        ("https://h", "a", "https://h/a"),
        ("https://h", "/a", "https://h/a"),
        ("https://h/v2", "", "https://h/v2"),
        ("https://h/v2", "/", "https://h/v2/"),
        ("https://h/v2/", "/a", "https://h/v2/a"),
        ("https://h/v2", "a/b/", "https://h/v2/a/b/"),
        ("https://h", "/a//b", "https://h/a//b"),
        ("https://h", "/a/.../b..c/.d", "https://h/a/.../b..c/.d"),
        ("https://h", "/a?x=1&y=2", "https://h/a?x=1&y=2"),
        ("https://h", "?x=1", "https://h/?x=1"),
        ("https://h", "/a?", "https://h/a"),
        ("https://h", "/a%20b", "https://h/a%20b"),
        ("https://h", "/a%2Fb%3Fc%23", "https://h/a%2Fb%3Fc%23"),
        ("https://h", "/100%25", "https://h/100%25"),
        ("https://h", "/100%/%zz?a=5%&b=%4", "https://h/100%25/%25zz?a=5%25&b=%254"),
        ("https://h", "/Müller", "https://h/M%C3%BCller"),
        ("https://h", "/orders:search", "https://h/orders:search"),
        ("https://h", "/a;v=1,2/(x)'*!$&+=@", "https://h/a;v=1,2/(x)'*!$&+=@"),
        ("https://h", "/a?q=ü/?:@", "https://h/a?q=%C3%BC/?:@"),
        ("https://h", '/a"<>^`{|}', "https://h/a%22%3C%3E%5E%60%7B%7C%7D"),
        ("https://h", "a@b", "https://h/a@b"),
        ("https://h", "/@b", "https://h/@b"),
        ("https://h", "/x?next=https://other//", "https://h/x?next=https://other//"),
    ],
)
def test_a_uri_is_appended_with_one_slash_between(base: str, uri: str, expected: str) -> None:
    assert BaseUrl.parse(base).join(uri) == expected


@pytest.mark.parametrize(
    ("base", "uri", "expected"),
    [
        ("https://api.test/v1", "https://api.test/v1/items?page=2", "https://api.test/v1/items?page=2"),
        ("https://api.test/v1", "HTTPS://API.test:443/v1/items", "https://api.test/v1/items"),
        ("https://api.test/v1", "https://api.test/v1", "https://api.test/v1/"),
        ("https://api.test/v1", "https://api.test/v1?page=2", "https://api.test/v1?page=2"),
        ("https://api.test", "https://api.test/a%2Fb", "https://api.test/a%2Fb"),
        ("https://api.test/v1", "https://api.test/v1/a/./b/../c?p=..", "https://api.test/v1/a/c?p=.."),
    ],
)
def test_a_whole_url_below_the_base_url_is_taken(base: str, uri: str, expected: str) -> None:
    assert BaseUrl.parse(base).join(uri).rstrip("/") == expected.rstrip("/")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("https://api.test/v2/items", "does not lie below the connection's base URL, https://api.test/v1"),
        ("https://api.test/v10/items", "does not lie below"),
        ("http://api.test/v1/items", "leads to http://api.test:80"),
        ("https://api.test:8443/v1/items", "leads to https://api.test:8443"),
        ("https://api.test.evil.test/v1/items", "leads to https://api.test.evil.test:443"),
        ("https://me:pass@api.test/v1/items", "with credentials in it"),
        ("https://api.test\\@evil.test/v1/items", "can be read"),
        ("https://api.t\test/v1/items", "can be read"),
        ("https://api.test/v1/../items", "climbs"),
        ("https://api.test/v1//evil.test/a", "another host"),
        ("https://[::1/v1", "can be read"),
    ],
)
def test_a_whole_url_elsewhere_is_refused(uri: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)) as raised:
        BaseUrl.parse("https://api.test/v1").join(uri)

    assert "pass@" not in str(raised.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("//other", "another host"),
        ("///other", "another host"),
        ("https://other/a", "whole URL"),
        ("HTTPS://other/a", "whole URL"),
        ("file:///etc/passwd", "whole URL"),
        ("@other/a", "user name"),
        ("/..", "climbs"),
        ("..", "climbs"),
        ("/../v3", "climbs"),
        ("/a/../../v3", "has '..' in its path"),
        ("/%2e%2e/v3", "climbs"),
        ("/.%2E/v3", "climbs"),
        ("/orders/..", "has '..' in its path, a step to another one"),
        ("/orders/.", "has '.' in its path"),
        ("/orders/./lines", "has '.' in its path"),
        ("/orders/%2e%2E/lines", "has '..' in its path"),
        ("/orders/../lines", "has '..' in its path"),
        (".", "has '.' in its path"),
        ("/..;/v3", "hides"),
        ("/..%2Fv3", "hides"),
        ("/a%5C..%5Cb", "hides"),
        ("/%252e%252e/v3", "hides"),
        ("/a#b", "fragment"),
        ("/a b", "white space"),
        ("/a\tb", "white space"),
        ("/a\r\nHost: other", "white space"),
        ("/a\x00b", "control character"),
        ("/a\u200bb", "control character"),
        ("/a\\..\\b", "backslash"),
        ("\\\\other", "backslash"),
        ("/\ud800", "surrogate|control"),
        # What a caller without types could pass.
        *((uri, "must be text") for uri in (None, 7, b"/a")),
    ],
)
def test_what_could_lead_elsewhere_is_refused(uri: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        BaseUrl.parse("https://api.example.com/v2").join(uri)


uris = st.one_of(
    st.text(),
    st.text(alphabet="/.%2eE@:#?\\ abhtps", max_size=30),
    st.lists(st.sampled_from(["..", ".", "%2e%2e", "a", "", "//", "@", "https:", "%2f", "%5c", "\\", ";", "%00"])).map(
        "/".join
    ),
)


@given(base=st.sampled_from(BASES), uri=uris)
@example(base=BASES[1], uri="/..;/x")
@example(base=BASES[1], uri="/a/%252e%252e/%252e%252e")
@example(base=BASES[1], uri="/..%2f..%2fx")
@example(base=BASES[1], uri="/%5c..%5c..")
def test_no_uri_leaves_the_origin_or_the_base_path(base: str, uri: str) -> None:
    root = BaseUrl.parse(base)
    try:
        url = root.join(uri)
    except ConfigurationError:
        return

    assert Origin.of(url) == root.origin
    assert "#" not in url
    assert url.isascii()
    path = urlsplit(url).path
    assert path == root.path or path.startswith(f"{root.path}/")
    # As a server sees it that decodes the path first, once or twice, and takes slashes and backslashes for the same.
    for decoded in (unquote(path), unquote(unquote(path))):
        depth = 0
        for segment in re.split(r"[/\\]", decoded[len(unquote(root.path)) :]):
            depth += -1 if segment == ".." else int(segment not in ("", "."))
            assert depth >= 0
    # What the transport makes of it is the same text.
    assert str(URL(url, encoded=True)) == url


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_encoded_text_arrives_as_it_was(text: str) -> None:
    if text == "." or ".." in text:
        return
    url = BaseUrl.parse("https://h/v2").join(f"/{quote(text, safe='')}", [("q", text), (text, "v")])

    parts = urlsplit(url)
    assert unquote(parts.path.removeprefix("/v2/")) == text
    assert [tuple(map(unquote, pair.split("="))) for pair in parts.query.split("&")] == [("q", text), (text, "v")]


@given(uri=st.text(alphabet="abc/%20%C3%BC?&=+-_.~:@!$'()*,;", max_size=40))
def test_what_is_encoded_already_stays_so(uri: str) -> None:
    try:
        once = BaseUrl.parse("https://h").join(uri)
    except ConfigurationError:
        return

    assert BaseUrl.parse("https://h").join(once.removeprefix("https://h")) == once


@pytest.mark.parametrize(
    ("url", "freed"),
    [
        ("https://api.example.com/a?key=1&b=%20&c", "https://api.example.com/a?b=%20&c"),
        ("/a?b=1&key=1", "/a?b=1"),
        ("/a?%6Bey=1", "/a"),
        ("/a?key", "/a"),
        ("/a?KEY=1&keys=2", "/a?KEY=1&keys=2"),
        ("/key=1", "/key=1"),
    ],
)
def test_a_parameter_is_taken_off_a_url(url: str, freed: str) -> None:
    assert without_parameters(url, {"key"}) == freed


_PARTS = st.text(st.sampled_from("ab:/?#[]@!$&'()*+,;=%.-_~ \t\n\\{}äA0"), max_size=12)


@given(st.sampled_from(["http", "https", "HTTP", "ftp"]), _PARTS, _PARTS, _PARTS)
def test_a_url_is_split_as_the_standard_library_does(scheme: str, host: str, path: str, query: str) -> None:
    url = f"{scheme}://{host}/{path}?{query}"
    try:
        expected: object = urlsplit(url)
    except ValueError:
        expected = ValueError
    try:
        found: object = split_url(url)
    except ValueError:
        found = ValueError

    assert found == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com",
        "https://shop.example.com/v1/a//b/../c;d?x=1&y=%20?z",
        "http://127.0.0.1:8080?x",
        "http://[::1]:8080/x",
        "https://shop.example.com/v1#top",
        "https://Shop.example.com:99999/v1",
    ],
)
def test_the_parts_of_a_url_that_is_sent_are_those_of_the_standard_library(url: str) -> None:
    assert split_url(url) == urlsplit(url)
    assert split_url(url).hostname == urlsplit(url).hostname
