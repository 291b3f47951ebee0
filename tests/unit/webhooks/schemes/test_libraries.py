"""What the senders' own libraries sign is taken; they, too, know what they sign."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.senders import NOW

from airflow_provider_cloudfn.webhooks.received import ReceivedRequest
from airflow_provider_cloudfn.webhooks.refused import RefusedError
from airflow_provider_cloudfn.webhooks.schemes.standard_webhooks import StandardWebhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "b3RoZXItc2VjcmV0LW9mLXNvbWVib2R5"
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30)


def webhook() -> Any:
    library = pytest.importorskip("standardwebhooks", reason="it is an extra of the tests")
    return library.Webhook(SECRET)


@given(message_id=IDS, body=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_standardwebhooks_signs_is_taken(message_id: str, body: str) -> None:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": webhook().sign(message_id, NOW, body),
    }
    request = ReceivedRequest(method="POST", headers=tuple(headers.items()), body=body.encode())

    assert StandardWebhooks(secrets=(SECRET,)).verify(request, NOW)
    assert StandardWebhooks(secrets=(OTHER, SECRET)).verify(request, NOW)
    with pytest.raises(RefusedError, match="signature_wrong"):
        StandardWebhooks(secrets=(OTHER,)).verify(request, NOW)


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
def test_several_signatures_are_for_several_secrets(prefix: str) -> None:
    signature = webhook().sign("msg_1", NOW, "{}")
    headers = {
        f"{prefix}-id": "msg_1",
        f"{prefix}-timestamp": str(int(NOW.timestamp())),
        f"{prefix}-signature": f"v1a,of-another-algorithm v1,AAAA {signature}",
    }
    request = ReceivedRequest(method="POST", headers=tuple(headers.items()), body=b"{}")

    assert StandardWebhooks(secrets=(SECRET,)).verify(request, NOW)


def test_an_id_of_the_one_family_does_not_go_with_a_signature_of_the_other() -> None:
    """Else who repeats a delivery would only have to give it another id."""
    headers = {
        "webhook-id": "msg_2",
        "svix-id": "msg_1",
        "svix-timestamp": str(int(NOW.timestamp())),
        "svix-signature": webhook().sign("msg_1", NOW, "{}"),
    }
    request = ReceivedRequest(method="POST", headers=tuple(headers.items()), body=b"{}")

    with pytest.raises(RefusedError, match="signature_missing"):
        StandardWebhooks(secrets=(SECRET,)).verify(request, NOW)
