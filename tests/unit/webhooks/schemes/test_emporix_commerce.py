from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.senders import NOW, SECRET, SENDERS
from msgspec.structs import replace

from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.emporix_commerce import canonical_json

SENDER = SENDERS["emporix_commerce"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        # What JSON.stringify(JSON.parse(…)) of Node.js makes of it.
        ("1.0", "1"),
        ("10.50", "10.5"),
        ("0.1", "0.1"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345680000.0", "123456789012345680000"),
        ("1.5e300", "1.5e+300"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("0.000001234", "0.000001234"),
        ("1.25e-10", "1.25e-10"),
        ("-2.50", "-2.5"),
        ("-0.0", "0"),
        ("5e-324", "5e-324"),
        ("100.0", "100"),
        ("1E3", "1000"),
        ("0.30000000000000004", "0.30000000000000004"),
        ('{"b": 1, "a": [ {"z": 1, "y": 2} ]}', '{"a":[{"y":2,"z":1}],"b":1}'),
        ('"\\u00fc \\n \\u001f \\/"', '"ü \\n \\u001f /"'),
        ('{"\\uD83D\\uDE00": 1, "\\uFB00": 2}', '{"😀":1,"ﬀ":2}'),
    ],
)
def test_canonical_json(written: str, canonical: str) -> None:
    assert canonical_json(written) == canonical


@given(value=VALUES)
def test_the_canonical_text_means_the_same_and_is_canonical_itself(value: Any) -> None:
    canonical = canonical_json(json.dumps(value))

    assert json.loads(canonical, parse_int=float) == value
    assert canonical_json(canonical) == canonical


@given(value=VALUES)
def test_white_space_and_the_order_of_keys_do_not_matter(value: Any) -> None:
    assert canonical_json(json.dumps(value, indent=2, sort_keys=True)) == canonical_json(json.dumps(value))


def test_a_signature_over_the_bytes_as_they_are_holds_too() -> None:
    body = b'{"b": 2, "a": 1}'
    raw = SENDERS["emporix_oe"].sign(body, SECRET, NOW)["x-emporix-hmac"]
    request = SENDER.request(body)
    headers = (
        ("emporix-event-signature", raw),
        *(pair for pair in request.headers if pair[0] != "emporix-event-signature"),
    )

    assert SENDER.scheme.verify(replace(request, headers=headers), NOW) == b'{"a":1,"b":2}'


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b"{", b"\xff", b"[" * 100_000, b"NaN", b"1e999", b"1e99999999999999999999"]
)
def test_what_has_no_canonical_form_is_refused(body: bytes) -> None:
    request = replace(SENDER.request(b"{}"), body=body)

    with pytest.raises(RefusedError) as refused:
        SENDER.scheme.verify(request, NOW)

    assert (refused.value.status, refused.value.reason) == (400, "bad_body")


@pytest.mark.parametrize("time", ["yesterday", "1750000000", ""])
def test_a_publish_time_that_is_none_is_refused(time: str) -> None:
    request = SENDER.request()
    headers = tuple((name, time if "time" in name else value) for name, value in request.headers)

    with pytest.raises(RefusedError) as refused:
        SENDER.scheme.verify(replace(request, headers=headers), NOW)

    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"emporix-event-signature": "no SHA-256 in base64"}, "signature_wrong"),
        ({"emporix-event-publish-time": (NOW - dt.timedelta(hours=1)).isoformat()}, "sent_too_long_ago"),
    ],
)
def test_what_a_glance_at_the_headers_refuses_is_not_written_as_canonical_json(
    changed: dict[str, str], reason: str
) -> None:
    request = SENDER.request()
    headers = tuple((name, changed.get(name, value)) for name, value in request.headers)

    with pytest.raises(RefusedError) as refused:
        SENDER.scheme.verify(replace(request, headers=headers, body=b"{"), NOW)

    assert (refused.value.status, refused.value.reason) == (401, reason)
