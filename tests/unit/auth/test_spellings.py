"""A secret is hidden in whatever spelling an encoder gives it, by each of those who hide secrets."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cloudfn.auth.spellings import common_spellings, hide, spellings
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.hooks.masking import appearances, mask_secrets
from airflow_provider_cloudfn.sandbox.masking import Masking

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is written, by whom, and what each makes of it; taken from what these encoders give.
WRITTEN = [
    pytest.param("wJalr/K7M+DEN", r"wJalr\/K7M+DEN", id="PHP json_encode"),
    pytest.param("pä/ss&w", "p\\u00e4\\/ss&w", id="PHP json_encode, outside ASCII"),
    pytest.param("pä/ss&w", r"pä\/ss&w", id="PHP JSON_UNESCAPED_UNICODE"),
    pytest.param("<ab>&'\"/c", r"\u003Cab\u003E\u0026\u0027\u0022\/c", id="PHP JSON_HEX"),
    pytest.param("q8Zk+0mX'é", r"q8Zk\u002B0mX\u0027\u00E9", id=".NET System.Text.Json"),
    pytest.param("<ab>&'\"c", r"\u003cab\u003e\u0026\u0027\u0022c", id="Newtonsoft"),
    pytest.param("its&a<Secret>", r"its\u0026a\u003cSecret\u003e", id="Go encoding/json"),
    pytest.param("its&a=Secret'", r"its\u0026a\u003dSecret\u0027", id="Gson"),
    pytest.param("its&ä'Secret", r"its\u0026\u00e4\u0027Secret", id="Flask"),
    pytest.param('p/ä"&1', 'p/ä\\"&1', id="JSON that leaves Unicode"),
    pytest.param("key-😀-x", r"key-\ud83d\ude00-x", id="JSON, beyond the basic plane"),
    pytest.param("key-😀-x", r"key-\uD83D\uDE00-x", id="JSON, beyond the basic plane, capitals"),
    pytest.param('say "it" \\ now', r"say \\\"it\\\" \\\\ now", id="JSON in JSON"),
    pytest.param("it's-a-Secret&Key", "it&#39;s-a-Secret&amp;Key", id="HTML, decimal"),
    pytest.param("it's-a-Secret&Key", "it&#039;s-a-Secret&amp;Key", id="PHP htmlspecialchars"),
    pytest.param("it's-a-Secret&Key", "it&apos;s-a-Secret&amp;Key", id="XML"),
    pytest.param("<it's>-a\"Key&", "<it's>-a&quot;Key&amp;", id="an attribute as browsers write it"),
    pytest.param("<it's>-a\"Key&", "&lt;it's>-a&quot;Key&amp;", id="an attribute in canonical XML"),
    pytest.param("<it's>-a\"Key&", "&lt;it&#39;s>-a&quot;Key&amp;", id=".NET HtmlAttributeEncode"),
    pytest.param("größe€'x", "gr&#246;&#223;e€&#39;x", id=".NET HtmlEncode"),
    pytest.param("päss€a", r"p\xE4ss\u20ACa", id="PyYAML"),
    pytest.param("a/b c+d", "a/b%2520c%252Bd", id="a path in a URL"),
    pytest.param("a\"b'c+d", "a&#34;b&#39;c&#43;d", id="Go html/template"),
    pytest.param("wJalr/K7M'x", "wJalr&#x2F;K7M&#x27;x", id="OWASP HTML"),
    pytest.param("wJ/K7=M`x", "wJ&#x2F;K7&#x3D;M&#x60;x", id="Mustache"),
    pytest.param("wJ/K7=M+x", "wJ&sol;K7&equals;M&plus;x", id="HTML 5 names"),
    pytest.param("größe&x", "gr&ouml;&szlig;e&amp;x", id="PHP htmlentities"),
    pytest.param("größe€x", "gr&#246;&#223;e&#8364;x", id="XML character references"),
    pytest.param("wJ/K7+M(x", "wJ&#x2f;K7&#x2b;M&#x28;x", id="HTML, each sign hexadecimal"),
    pytest.param("wJ/K7+M(x", "wJ&#47;K7&#43;M&#40;x", id="HTML, each sign decimal"),
    pytest.param("wJ/K7+M'x", r"wJ\x2FK7\x2BM\x27x", id="JavaScript"),
    pytest.param("it's (a) Secret*!", "it's%20(a)%20Secret*!", id="encodeURIComponent"),
    pytest.param("it's/a&b ?c", "it's/a&b%20?c", id="encodeURI"),
    pytest.param("it's/a b+c", "it%27s%2fa+b%2bc", id=".NET UrlEncode"),
    pytest.param("a~b*c d/e", "a%7Eb*c+d%2Fe", id="a browser's form"),
    pytest.param("a/b ä+c", "a%2fb%20%c3%a4%2bc", id="percent-encoding in small letters"),
    pytest.param("a/b ä+c", "a%2Fb+%C3%A4%2Bc", id="a form"),
    pytest.param("a/b+c", "a%252Fb%252Bc", id="a URL in a URL"),
    pytest.param("a/b ä+c", "a%252fb%2520%25c3%25a4%252bc", id="a URL in a URL, in small letters"),
    pytest.param('pä"ss&w', "p\\u00e4\\&quot;ss&amp;w", id="JSON on a page"),
    pytest.param('pä"ss&w', "p%C3%A4%5C%22ss%26w", id="JSON in a URL"),
    pytest.param("it's&a<Secret>", "it&amp;#x27;s&amp;amp;a&amp;lt;Secret&amp;gt;", id="a page within a page"),
    pytest.param("pä/ss", r"p\xc3\xa4/ss", id="Python's repr of bytes"),
    pytest.param("p😀ss", r"p\U0001f600ss", id="Python's ascii"),
    pytest.param("pä€ss", "pÃ¤â‚¬ss", id="UTF-8 read as Windows-1252"),  # noqa: RUF001
    pytest.param("p\"ss'w", 'p""ss\'w', id="CSV"),
    pytest.param("p\"ss'w", "p\"ss''w", id="SQL"),
    pytest.param("hunter2-79", "68756e746572322d3739", id="a hexadecimal dump"),
    pytest.param("hunter2-79", "68756E746572322D3739", id="a hexadecimal dump in capitals"),
    pytest.param("hunter2-79", "68:75:6e:74:65:72:32:2d:37:39", id="a hexadecimal dump with colons"),
    pytest.param("hunter2-79", "68:75:6E:74:65:72:32:2D:37:39", id="a hexadecimal dump with colons in capitals"),
    pytest.param('p"ä', base64.b64encode(b'{"x":"p\\"\\u00e4"}').decode()[8:-4], id="JSON in base64"),
    pytest.param("q8Zk+0mX/7fRr2Ln5tYw==", r"q8Zk+0mX/7fRr2Ln5tYw\u003d\u003d", id="Gson, padding"),
    pytest.param("p\u00e4/ss", "p\ufffd/ss", id="Windows-1252 read as UTF-8"),
    pytest.param("p\u00e4ss-\u00e9", "pa\u0308ss-e\u0301", id="Unicode, decomposed"),
    pytest.param("pa\u0308ss-e\u0301", "p\u00e4ss-\u00e9", id="Unicode, composed"),
    pytest.param("p\u00e4ss-\u00e9", r"pa\u0308ss-e\u0301", id="Unicode, decomposed, in JSON"),
    pytest.param("p\uff21ss-\u00e9", "pAss-\u00e9", id="Unicode, the forms for compatibility"),
    pytest.param("p\u00e4 ss\u20ac", "p%E4%20ss%80", id="classic ASP"),
    pytest.param("p\u00e4/ss \u20ac", "p%E4/ss%20%u20AC", id="JavaScript's escape"),
    pytest.param("p'a\"s\\s", r"p\'a\"s\\s", id="PHP addslashes"),
    pytest.param("p'ass", r"p'\''ass", id="a shell"),
    pytest.param("p'ass", "p'\"'\"'ass", id="Python's shlex"),
    pytest.param("hunter2-79", base64.b64encode("hunter2-79".encode("utf-16-le")).decode()[:-2], id="PowerShell"),
    pytest.param("a~~~?b~~~?c", r"YX5+fj9ifn5+P2".replace("+", "%2B"), id="base64 in a URL"),
    pytest.param("???>>>???>>>", r"Pz8\/Pj4+Pz8\/Pj4+", id="base64 in PHP's JSON"),
]

SECRETS = [
    "hunter2-79402633",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "q8Zk+0mX/7fRr2Ln5tYw==",
    "it's-a-Secret&Key",
    'p/ä"&1',
    "back\\slash and\ttab",
    "<p>😀</p>",
    "short",
]


@pytest.fixture
def _fresh_masker() -> Iterator[None]:
    reset_secrets_masker()
    yield
    reset_secrets_masker()


@pytest.mark.parametrize(("secret", "written"), WRITTEN)
def test_a_secret_is_known_as_encoders_write_it(secret: str, written: str) -> None:
    assert written in spellings(secret)
    assert Redaction([secret]).text(f"bad key {written}!") == "bad key ***!"


@pytest.mark.parametrize("between", ["\n", "\r\n", "\\n", "<br>"])
@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("length", [60, 100, 1000])
def test_a_secret_is_known_in_lines_of_base64(length: int, width: int, between: str) -> None:
    secret = "".join(chr(33 + at * at % 89) for at in range(length))
    encoded = base64.b64encode(secret.encode()).decode()
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]

    shown = hide(between.join(lines), spellings(secret))

    assert all(len(line) < 12 for line in shown.replace("***", "").split(between))


@pytest.mark.parametrize("before", ["", "a", "ab", "ann:", "key: "])
@pytest.mark.parametrize("behind", ["", "}", "\r\n"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("secret", [secret for secret in SECRETS if len(secret) > 5])
def test_a_secret_is_known_in_base64_wherever_it_stands(secret: str, encode: object, before: str, behind: str) -> None:
    encoded = encode((before + secret + behind).encode()).decode()  # type: ignore[operator]  # either of two functions

    shown = hide(encoded, spellings(secret))

    assert "***" in shown
    # What stays is of what stands around it, and at most a digit on either side in which both have bits.
    assert len(shown.replace("***", "")) <= len(base64.b64encode(before.encode())) + len(behind) + 6


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.usefixtures("_fresh_masker")
def test_the_masker_the_redaction_and_the_sandbox_hide_the_same(secret: str) -> None:
    mask_secrets(appearances(secret))

    assert appearances(secret) == spellings(secret)
    for written in spellings(secret):
        shown = f"[{written}]"
        assert redact(shown) == Redaction([secret]).text(shown) == Masking([secret]).text(shown) == "[***]"


def test_the_lines_of_a_secret_are_known_by_themselves() -> None:
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhki/9w0BAQEFAASC",
        "BKcwggSjAgEA+AoIBAQC7VJTUt9Us8cK",
        "-----END PRIVATE KEY-----",
    ]
    key = "\n".join(lines) + "\n"

    for shown in ("\r\n".join(lines), " ".join(lines), json.dumps("\r\n".join(lines)), quote(lines[1])):
        hidden = hide(shown, spellings(key))
        assert not any(line in hidden or quote(line) in hidden for line in lines[1:3])
        assert ("BEGIN" in hidden) == ("BEGIN" in shown)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_python_writes_is_hidden(secret: str) -> None:
    assert set(common_spellings(secret)) <= set(spellings(secret))
    for written in (
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    ):
        assert hide(written, spellings(secret)) == "***"


def test_of_a_long_one_the_masker_gets_the_common_ones() -> None:
    assert appearances("a/" * 500) == common_spellings("a/" * 500)


@given(st.text(min_size=1))
def test_any_text_can_be_a_secret(secret: str) -> None:
    assert secret in spellings(secret)
    assert "" not in spellings(secret)


@pytest.mark.parametrize("secret", [*SECRETS, "x+/=" * 15])
def test_there_are_few_enough_to_look_for_each(secret: str) -> None:
    assert len(spellings(secret)) <= 100
