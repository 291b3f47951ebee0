"""``base64``, ``json``, ``url``, ``hash`` and ``uuid``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("base64.encode(b'hello')", "aGVsbG8="),
        ("base64.decode('aGVsbG8=')", b"hello"),
        ("base64.decode('aGVsbG8')", b"hello"),
        ("base64.decode('_-8')", b"\xff\xef"),
        ("base64.encodeUrl(b'\\xff\\xef')", "_-8"),
        ("base64.decode(base64.encodeUrl(b'{}')) == b'{}'", True),
        ("url.decode('a%2Fb%20c+d%C3%A9')", "a/b c+dé"),
        ("url.decode(url.encode('a b/c?d=é&~%'))", "a b/c?d=é&~%"),
        ("json.decode('\\ufeff[1]')", [1]),
        ('json.decode(\'{"a": 1, "a": 2}\')', {"a": 2}),
        (r"""json.decode(r'"a\ud83d"')""", "a\ufffd"),
        ("json.encode({'a': [1, 2.5, 'é', null, true]})", '{"a":[1,2.5,"é",null,true]}'),
        ("json.encode(duration('1h'))", '"3600s"'),
        ("json.encode(timestamp(0))", '"1970-01-01T00:00:00Z"'),
        ("json.encode(b'hi')", '"aGk="'),
        ("json.decode('{\"a\": [1, 2.5, null]}')", {"a": [1, 2.5, None]}),
        ("json.decode(' 1 ')", 1),
        ("url.encode('a b/c?d=é&~')", "a%20b%2Fc%3Fd%3D%C3%A9%26~"),
        ("url.encode(12) + url.encode(true) + url.encode(1.5)", "12true1.5"),
        ("url.encode(timestamp(0))", "1970-01-01T00%3A00%3A00Z"),
        ("url.encode(b'\\xff')", "%FF"),
        ("url.query({'a': 1, 'b c': 'd&e', 'l': ['x', 'y']})", "a=1&b%20c=d%26e&l=x&l=y"),
        ("url.query({})", ""),
        ("url.query({?'a': optional.none(), 'b': 1})", "b=1"),
        ("hash.sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("hash.sha256(b'abc') == hash.sha256('abc')", True),
        ("hash.md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
        ("uuid.v5('dns', 'python.org')", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
        ("uuid.v5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'python.org')", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
    ],
)
def test_a_call_gives(source, expected, gives):
    gives(source, expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("base64.decode('???')", "not base64"),
        ("base64.encode('text')", "it takes (bytes)"),
        ("json.encode(0.0 / 0.0)", "NaN"),
        ("json.encode({1: 2})", "a key that is an integer"),
        ("json.encode({'a': {'b': [type(1)]}})", "a.b[0]"),
        ("json.decode('{')", "not JSON"),
        ("json.decode('NaN')", "not JSON: it has NaN, which is none"),
        ("json.decode('[1e400]')", "not JSON: it has a number that is too large"),
        ("json.decode('{')", "at line 1, column 2"),
        ("base64.decode('-/')", "mixes the alphabets"),
        ("url.decode('%FF')", "no text in UTF-8"),
        ("json.decode('[1] 2')", "not JSON"),
        ("url.encode(null)", "null has no text"),
        ("url.encode([1])", "a value of type list has no text"),
        ("url.query({'a': null})", "leave it out"),
        ("uuid.v5('nope', 'x')", "a namespace"),
    ],
)
def test_a_call_says_what_it_needs(source, said, fails):
    fails(source, said)
