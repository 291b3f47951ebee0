"""GitHub: ``X-Hub-Signature-256``. Whoever signs as GitHub does, such as Gitea, is served too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.webhooks.schemes.proof import keyed_hashes, require_secret_match
from airflow_provider_cloudfn.webhooks.schemes.scheme import Scheme

if TYPE_CHECKING:
    import datetime as dt

    from airflow_provider_cloudfn.webhooks.received import ReceivedRequest

__all__ = ["GitHub"]


class GitHub(Scheme, frozen=True, kw_only=True):
    """HMAC-SHA256 over the body, in hex after ``sha256=``. Type and id stand in headers, which are not signed."""

    name = "github"
    proves = "the body"
    type_expression = 'request.headers["x-github-event"]'
    id_expression = 'request.headers["x-github-delivery"]'
    json_field = "payload"  # so it is sent where nobody has chosen a content type

    def verify(self, request: ReceivedRequest, now: dt.datetime) -> bytes:
        """Return the body, once the signature is its own."""
        given = request.required_header("x-hub-signature-256")
        for name in ("x-github-event", "x-github-delivery"):
            request.header(name)  # which refuses one that stands twice
        hashes = keyed_hashes(self.secrets, request.body)
        require_secret_match([b"sha256=" + digest.hex().encode() for digest in hashes], [given.encode()])
        return request.body
