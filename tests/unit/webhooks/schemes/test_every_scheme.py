"""What holds for every scheme with a secret."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kit.senders import NOW, OLD, SECRET, SENDERS
from msgspec.structs import replace

from airflow_provider_cloudfn.connections.event_source_form import SCHEME_NAMES
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes import SCHEMES

if TYPE_CHECKING:
    from kit.senders import Sender

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
    from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

EACH = pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
EACH_WITH_A_TIME = pytest.mark.parametrize(
    "sender",
    [sender for sender in SENDERS.values() if sender.has_time],
    ids=[n for n, s in SENDERS.items() if s.has_time],
)
EACH_THAT_SIGNS = pytest.mark.parametrize(
    "sender", [sender for sender in SENDERS.values() if sender.signs], ids=[n for n, s in SENDERS.items() if s.signs]
)


def refusal(scheme: Scheme, request: ReceivedRequest, now: object = NOW) -> tuple[int, str]:
    with pytest.raises(RefusedError) as refused:
        scheme.verify(request, now)  # type: ignore[arg-type]
    return refused.value.status, refused.value.reason


def with_header(request: ReceivedRequest, name: str, value: str) -> ReceivedRequest:
    headers = tuple((key, value if key == name else old) for key, old in request.headers)
    return replace(request, headers=headers)


def test_every_scheme_of_the_form_is_there() -> None:
    assert tuple(scheme.name for scheme in SCHEMES) == SCHEME_NAMES
    assert {scheme.name for scheme in SCHEMES} - {sender.scheme.name for sender in SENDERS.values()} == {"jwt"}


@EACH
def test_what_the_sender_signs_is_taken(sender: Sender) -> None:
    assert sender.scheme.verify(sender.request(), NOW)


@EACH
def test_another_secret_is_refused(sender: Sender) -> None:
    assert refusal(sender.scheme, sender.request(secret=OLD)) in {(401, "signature_wrong"), (401, "credentials_wrong")}


@EACH
def test_while_the_secret_is_changed_both_hold(sender: Sender) -> None:
    scheme = sender.knowing(SECRET, OLD)

    assert scheme.verify(sender.request(), NOW)
    assert scheme.verify(sender.request(secret=OLD), NOW)


@EACH
@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_without_a_secret_everything_is_refused(sender: Sender, secrets: tuple[str, ...]) -> None:
    scheme = sender.knowing(*secrets)

    assert refusal(scheme, sender.request(secret=""))[0] == 401
    assert refusal(scheme, sender.request()) == (401, "no_secret")


@EACH
def test_an_empty_previous_secret_is_none(sender: Sender) -> None:
    assert refusal(sender.knowing(SECRET, ""), sender.request(secret="")) in {
        (401, "signature_wrong"),
        (401, "credentials_wrong"),
        (401, "credentials_missing"),
    }


@EACH
def test_a_header_that_proves_and_is_missing_or_empty_is_refused(sender: Sender) -> None:
    request = sender.request()
    for name in sender.proved:
        missing = replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))

        assert refusal(sender.scheme, missing)[0] == 401
        assert refusal(sender.scheme, with_header(request, name, ""))[0] == 401


@EACH
def test_a_header_that_proves_and_stands_twice_is_refused(sender: Sender) -> None:
    request = sender.request()
    for name, value in request.headers:
        if name in sender.proved:
            twice = replace(request, headers=(*request.headers, (name, value)))

            assert refusal(sender.scheme, twice) == (400, "header_twice")


@EACH_WITH_A_TIME
def test_what_is_older_or_newer_than_the_tolerance_is_refused(sender: Sender) -> None:
    scheme = replace(sender.scheme, tolerance=60.0)

    assert scheme.verify(sender.request(at=NOW - timedelta(seconds=60)), NOW)
    assert scheme.verify(sender.request(at=NOW + timedelta(seconds=60)), NOW)
    assert refusal(scheme, sender.request(at=NOW - timedelta(seconds=61))) == (401, "sent_too_long_ago")
    assert refusal(scheme, sender.request(at=NOW + timedelta(seconds=61))) == (401, "sent_too_early")


@EACH_THAT_SIGNS
def test_two_requests_with_one_body_and_time_are_the_same_request(sender: Sender) -> None:
    one, same, other = (sender.scheme.verify(sender.request(body), NOW) for body in (b"[1]", b"[1]", b"[2]"))

    assert one == same != other


@EACH_THAT_SIGNS
@given(data=st.data())
def test_what_is_signed_is_taken_and_refused_with_any_byte_changed(sender: Sender, data: st.DataObject) -> None:
    is_json = sender.scheme.name == "emporix_commerce"
    numbers = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=5)
    body = str(data.draw(numbers)).encode() if is_json else data.draw(st.binary(min_size=1, max_size=40))
    body = body.replace(b" ", b"")
    assume(body)
    request = sender.request(body)
    assert sender.scheme.verify(request, NOW)

    place = data.draw(st.integers(0, len(body) - 1))
    changed = (
        body[:place]
        + bytes([data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))])
        + body[place + 1 :]
    )
    # A minus before a zero, and white space, mean nothing in JSON.
    assume(not is_json or not (changed.split() != [changed] or b"-0" in changed))

    assert refusal(sender.scheme, replace(request, body=changed))[0] in (400, 401)


@EACH
@given(data=st.data())
def test_no_byte_of_what_proves_may_be_changed(sender: Sender, data: st.DataObject) -> None:
    request = sender.request()
    name = data.draw(st.sampled_from(sender.proved))
    value = request.header(name) or ""
    # The word before credentials has no case (RFC 9110, section 11.1).
    first = value.find(" ") + 1 if name == "authorization" else 0
    place = data.draw(st.integers(first, len(value) - 1))
    other = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0xFF).filter(lambda sign: sign != value[place]))

    changed = with_header(request, name, value[:place] + other + value[place + 1 :])

    assert refusal(sender.scheme, changed)[0] == 401


@EACH
def test_no_secret_is_shown(sender: Sender) -> None:
    assert SECRET not in repr(sender.scheme)
    assert SECRET not in repr(sender.request())
    assert SECRET in set(sender.scheme.hidden_values())
