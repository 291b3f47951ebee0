"""Amazon Connect, as far as calls to customers go, and the one question of AWS STS that a connection test asks."""

from __future__ import annotations

import hmac
import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_cloudfn.sandbox.answers import Refusal, answer

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_cloudfn.sandbox.credentials import Credentials

__all__ = ["PREFIX", "REGION", "amazon_connect_routes"]

PREFIX: Final = "/amazon_connect"
REGION: Final = "eu-central-1"
_ACCOUNT: Final = "000000000000"
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
_NEEDED: Final = ("DestinationPhoneNumber", "InstanceId", "ContactFlowId")


def amazon_connect_routes(credentials: Credentials) -> list[Route]:
    """
    Return the routes of Amazon Connect, and of AWS STS at the address before them, as moto has it.

    :param credentials: What a caller must have signed with.
    """
    connect = _AmazonConnect(credentials)
    return [
        Route(f"{PREFIX}/contact/outbound-voice", connect.call, methods=["PUT"]),
        Route(PREFIX, connect.identity, methods=["POST"]),
    ]


class _AmazonConnect:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def call(self, request: Request) -> Response:
        await self._require_signature(request, "connect")
        try:
            asked: Any = json.loads(await request.body())
        except ValueError:
            asked = None
        missing = [name for name in _NEEDED if not (isinstance(asked, dict) and isinstance(asked.get(name), str))]
        if missing:
            raise Refusal(400, "InvalidParameterException", f"{', '.join(missing)}: is missing, or no text")
        # The same token means the same call, as Amazon says of ClientToken.
        token = asked.get("ClientToken")
        contact = uuid.uuid5(uuid.NAMESPACE_OID, token) if isinstance(token, str) and token else uuid.uuid4()
        return answer({"ContactId": str(contact)})

    async def identity(self, request: Request) -> Response:
        await self._require_signature(request, "sts")
        if b"Action=GetCallerIdentity" not in await request.body():
            raise Refusal(400, "InvalidAction", "The sandbox knows GetCallerIdentity only")
        told = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{_ACCOUNT}:user/sandbox</Arn><UserId>{self._credentials.aws_key_id}</UserId>"
            f"<Account>{_ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        return Response(told, media_type="text/xml")

    async def _require_signature(self, request: Request, service: str) -> None:
        """Refuse a request that AWS would not take, by botocore, which signs it once more."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        given = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if given is None or given[1] != self._credentials.aws_key_id or given.group(2, 3) != (REGION, service):
            raise Refusal(403, "UnrecognizedClientException", "The access key, its region or its service is not known")
        headers = {name: request.headers.get(name, "") for name in given[4].split(";")}
        path = request.scope["raw_path"].decode("ascii")
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"http://{request.headers['host']}{path}{query}"
        same = AWSRequest(request.method, url, headers, await request.body())
        same.context["timestamp"] = request.headers.get("x-amz-date", "")
        keys = Credentials(self._credentials.aws_key_id, self._credentials.aws_secret_key)
        signer = SigV4Auth(keys, service, REGION)
        expected = str(signer.signature(signer.string_to_sign(same, signer.canonical_request(same)), same))
        if not hmac.compare_digest(expected, given[5]):
            raise Refusal(403, "InvalidSignatureException", "The signature is not that of this request")
        request.scope["state"]["caller"] = "sigv4"
