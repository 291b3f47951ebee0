from __future__ import annotations

import base64
import hmac
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.senders import NOW, SECRET
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.hmac_signature import HmacSignatureAuth
from airflow_provider_cloudfn.auth.message import HttpRequest
from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.hmac import SignedBody

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("written", "joined"),
    [
        ("v1={signature}", ","),  # PagerDuty
        ("v1={signature}", ", "),
        ("t={timestamp},v1={signature}", ","),
        ("ts={timestamp};h1={signature}", ";"),  # Paddle
        ("{signature}", ", "),
        ("{signature};v=1", ","),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_of_several_signatures_one_is_enough(written: str, joined: str, place: int) -> None:
    request = signed_by_us(b"{}", {"encoding": "hex", "written": written})
    (sent,) = (value for name, value in request.headers if name == "x-signature")
    element = next(part for part in written.replace(";", ",").split(",") if "{signature}" in part)
    found = next(
        part
        for part in sent.replace(";", ",").split(",")
        if part.startswith(element.partition("{")[0]) and len(part) > 60
    )
    all_of_them = [element.replace("{signature}", "0" * 64)] * 3
    all_of_them[place] = found
    given = request_of(("x-signature", sent.replace(found, joined.join(all_of_them))))
    forged = request_of(
        ("x-signature", sent.replace(found, joined.join(all_of_them[:place] + all_of_them[place + 1 :])))
    )

    assert scheme_of(written=written, encoding="hex").verify(given, datetime.now(UTC)) == b"{}"
    with pytest.raises(RefusedError, match="signature_wrong"):
        scheme_of(written=written, encoding="hex").verify(forged, datetime.now(UTC))


@pytest.mark.parametrize(
    "write", [lambda text: text.rstrip("="), lambda text: text.replace("+", "-").replace("/", "_")]
)
def test_base64_may_be_that_of_urls_and_without_padding(write: Callable[[str], str]) -> None:
    for number in range(8):
        body = str(number).encode()
        sent = signed_by_us(body, {"encoding": "base64"}).header("x-signature") or ""
        request = ReceivedRequest(method="POST", headers=(("x-signature", write(sent)),), body=body)

        assert scheme_of().verify(request, NOW) == body


def test_what_is_signed_may_have_line_breaks() -> None:
    settings: dict[str, Any] = {"signed": "POST\n{timestamp}\n{body}", "timestamp_header": "x-time"}

    assert scheme_of(**settings).verify(signed_by_us(b"{}", settings), datetime.now(UTC)).startswith(b"POST\n")


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


#: 12:34:56.789 UTC at the 2026-01-31, as services write it.
AT = datetime(2026, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)


def signed_at(written: str, signed: str, body: bytes = b'{"a":1}') -> ReceivedRequest:
    before, _, behind = signed.replace("{timestamp}", written).partition("{body}")
    digest = hmac.new(SECRET.encode(), before.encode() + body + behind.encode(), "sha256").digest()
    headers = (("x-signature", base64.b64encode(digest).decode()), ("x-time", written))
    return ReceivedRequest(method="POST", headers=headers, body=body)


@pytest.mark.parametrize("signed", ["{timestamp}.{body}", "{timestamp}{body}", "POST/hook{body}{timestamp}"])
@pytest.mark.parametrize(
    "written",
    [
        "1769862896",
        "1769862896789",  # HubSpot
        "2026-01-31T12:34:56Z",  # Zendesk
        "2026-01-31T12:34:56.789Z",
        "2026-01-31T12:34:56.789012345Z",  # Twitch
        "2026-01-31T13:34:56+01:00",
        "2026-01-31T07:34:56.7-0500",
        "Sat, 31 Jan 2026 12:34:56 GMT",
    ],
)
def test_a_time_is_read_in_the_forms_that_services_write(written: str, signed: str) -> None:
    scheme, request = scheme_of(signed=signed, timestamp_header="x-time", tolerance=2.0), signed_at(written, signed)

    assert request.body in scheme.verify(request, AT)
    for moment, reason in (
        (AT + timedelta(seconds=4), "sent_too_long_ago"),
        (AT - timedelta(seconds=4), "sent_too_early"),
    ):
        with pytest.raises(RefusedError, match=reason):
            scheme.verify(request, moment)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31T12:34:56",
        "2026-02-31T12:34:56Z",
        "2026-01-31",
        "31.1.2026",
        "1769862896.5",
        "1769862896789012",
        "now",
    ],
)
def test_a_time_in_no_such_form_is_the_reason_that_is_told(written: str) -> None:
    settings = {"signed": "{timestamp}.{body}", "timestamp_header": "x-time"}

    with pytest.raises(RefusedError, match="unreadable_time"):
        scheme_of(**settings).verify(signed_at(written, "{timestamp}.{body}"), AT)


def test_a_time_may_stand_beside_the_signature_in_each_form() -> None:
    settings = {"written": "t={timestamp};s={signature}", "signed": "{timestamp}.{body}"}
    sent = signed_at("2026-01-31T12:34:56.789+00:00", "{timestamp}.{body}")
    request = request_of(("x-signature", f"t={sent.header('x-time')};s={sent.header('x-signature')}"))

    assert scheme_of(**settings).verify(replace(request, body=sent.body), AT)


@pytest.mark.parametrize(("signed", "body"), [("{timestamp}{body}", b"789x"), ("{body}{timestamp}", b"x177")])
def test_milliseconds_are_not_made_of_seconds_and_digits_of_the_body(signed: str, body: bytes) -> None:
    """Whoever has seen a request that is signed with seconds would make another one of it."""
    sent = signed_at("1769862896", signed, body)
    shifted = "1769862896789" if signed.startswith("{timestamp}") else "1771769862896"
    moved = ReceivedRequest(
        method="POST", headers=(("x-signature", sent.header("x-signature") or ""), ("x-time", shifted)), body=b"x"
    )

    with pytest.raises(RefusedError, match="unreadable_time"):
        scheme_of(signed=signed, timestamp_header="x-time", tolerance=604_800.0).verify(moved, AT)
