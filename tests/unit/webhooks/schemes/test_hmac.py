from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.senders import NOW, SECRET

from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth
from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody

SETTINGS = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(["sha1", "sha256", "sha384", "sha512"]),
        "encoding": st.sampled_from(["base64", "hex"]),
        "written": st.sampled_from(["{signature}", "sha={signature}", "t={timestamp},v1={signature}", "({signature})"]),
        "signed": st.sampled_from(["{body}", "{timestamp}.{body}", "v0:{timestamp}:{body}:end"]),
        "timestamp_header": st.sampled_from([None, "x-time"]),
    }
)


def signed_by_us(body: bytes, settings: dict[str, Any]) -> ReceivedRequest:
    request = HttpRequest("POST", "https://airflow.example.com/cloudfn/events/x", (), body)
    (sent,) = HmacSignatureAuth(SECRET, "x-signature", **settings).flow(request)
    return ReceivedRequest(method="POST", headers=tuple((n.lower(), v) for n, v in sent.headers), body=body)


@given(settings=SETTINGS, body=st.binary(max_size=60))
def test_what_a_connection_with_these_settings_signs_is_taken(settings: dict[str, Any], body: bytes) -> None:
    if "{timestamp}" in settings["signed"] and "{timestamp}" not in settings["written"]:
        settings = {**settings, "timestamp_header": "x-time"}
    scheme = SignedBody(secrets=(SECRET,), header="x-signature", **settings)

    assert body in scheme.verify(signed_by_us(body, settings), datetime.now(UTC))


def scheme_of(**settings: Any) -> SignedBody:
    return SignedBody(secrets=(SECRET,), header="x-signature", **settings)


def request_of(*headers: tuple[str, str]) -> ReceivedRequest:
    return ReceivedRequest(method="POST", headers=headers, body=b"{}")


def test_a_space_may_stand_behind_a_comma() -> None:
    settings = {"written": "t={timestamp},v1={signature}"}
    (written,) = (value for name, value in signed_by_us(b"{}", settings).headers if name == "x-signature")

    request = request_of(("x-signature", written.replace(",", ", ")))

    assert scheme_of(**settings).verify(request, datetime.now(UTC)) == b"{}"


def test_hex_may_be_in_capitals() -> None:
    request = signed_by_us(b"{}", {"encoding": "hex"})
    capitals = request_of(("x-signature", request.headers[-1][1].upper()))

    assert scheme_of(encoding="hex").verify(capitals, NOW) == b"{}"


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"written": "sha256={signature}"}, [("x-signature", "sha1=AAAA")]),
        ({"written": "t={timestamp},v1={signature}"}, [("x-signature", "t=,v1=AAAA")]),
        ({"written": "t={timestamp},v1={signature}"}, [("x-signature", "t=١٢,v1=AAAA")]),
        ({"timestamp_header": "x-time"}, [("x-signature", "AAAA"), ("x-time", "+1769860800")]),
        ({"timestamp_header": "x-time"}, [("x-signature", "AAAA"), ("x-time", " 1769860800")]),
        ({"timestamp_header": "x-time"}, [("x-signature", "AAAA"), ("x-time", "9" * 400)]),
        (
            {"written": "t={timestamp},v1={signature}", "timestamp_header": "x-time"},
            [("x-signature", "t=1,v1=AAAA"), ("x-time", "1769860800")],
        ),
        ({}, [("x-signature", "")]),
        ({}, [("x-signature", "☕".encode().decode("latin-1"))]),
    ],
)
def test_what_is_not_written_as_the_connection_says_is_refused(
    settings: dict[str, Any], headers: list[tuple[str, str]]
) -> None:
    with pytest.raises(RefusedError) as refused:
        scheme_of(**settings).verify(request_of(*headers), NOW)

    assert refused.value.status == 401


@pytest.mark.parametrize(
    "written", ["{signature}{timestamp}", "{timestamp}0{signature}", "{timestamp}{timestamp}{signature}"]
)
def test_a_header_of_any_length_is_refused_at_once(written: str) -> None:
    began = time.process_time()

    with pytest.raises(RefusedError):
        scheme_of(written=written).verify(request_of(("x-signature", "1" * 64_000 + "!")), NOW)

    # Where each end of the one were tried with each of the other, it would take many seconds.
    assert time.process_time() - began < 1


@pytest.mark.parametrize("signed", ["{timestamp}{body}", "{body}{timestamp}", "{timestamp}.{body}"])
@pytest.mark.parametrize("body", [b"amount=1000", b"00", b"0", b"10", b"1.5", b""])
def test_no_part_of_the_body_becomes_the_time_or_the_other_way_round(signed: str, body: bytes) -> None:
    settings: dict[str, Any] = {"signed": signed, "timestamp_header": "x-time"}
    request = signed_by_us(body, settings)
    signature, at = request.header("x-signature"), request.header("x-time")
    assert at is not None
    whole = signed.format(timestamp=at, body=body.decode())
    before, between, _ = signed.replace("{timestamp}", "|").replace("{body}", "|").split("|")
    assert before == ""

    taken = []
    for place in range(len(whole) + 1):
        first, rest = whole[:place], whole[place:].removeprefix(between)
        seconds, other = (first, rest) if signed.startswith("{timestamp}") else (rest, first)
        headers = (("x-signature", signature or ""), ("x-time", seconds))
        try:
            scheme_of(**settings).verify(
                ReceivedRequest(method="POST", headers=headers, body=other.encode()), datetime.now(UTC)
            )
        except RefusedError:
            continue
        taken.append((seconds, other.encode()))

    assert taken == [(at, body)]
