"""The shop's API: customers, orders, charges, scores and reports."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from airflow_provider_cloudfn.json_encoding import parse_foreign_json
from airflow_provider_cloudfn.sandbox.answers import Refusal, answer, media_type

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_cloudfn.sandbox.charges import Charges

__all__ = ["shop_routes"]

_CUSTOMERS: tuple[dict[str, Any], ...] = (
    {"id": "c-1", "name": "Ada Lovelace", "country": "GB", "email": "ada@example.com"},
    {"id": "c-2", "name": "Grace Hopper", "country": "US", "email": "grace@example.com"},
    {"id": "c-3", "name": "Konrad Zuse", "country": "DE", "email": "konrad@example.com"},
    {"id": "c-4", "name": "Zoë Müller", "country": "CH", "email": "zoe@example.com"},
    {"id": "c-5", "name": "Edsger Dijkstra", "country": "NL", "email": "edsger@example.com"},
)
_ORDERS: tuple[dict[str, Any], ...] = (
    {
        "id": "1001",
        "total": 129.5,
        "currency": "EUR",
        "placed_at": "2026-03-01T09:30:00Z",
        "customer": _CUSTOMERS[0],
        "items": [
            {"sku": "tea-assam", "quantity": 2, "price": 14.75},
            {"sku": "pot-cast-iron", "quantity": 1, "price": 100.0},
        ],
    },
    {
        "id": "1002",
        "total": 18,
        "currency": "EUR",
        "placed_at": "2026-03-01T10:05:00Z",
        "customer": _CUSTOMERS[3],
        "items": [{"sku": "cup-glass", "quantity": 3, "price": 6}],
    },
    {
        "id": "A/7 ü",
        "total": 1250.99,
        "currency": "CHF",
        "placed_at": "2026-03-02T16:45:00Z",
        "customer": _CUSTOMERS[3],
        "items": [{"sku": "samovar", "quantity": 1, "price": 1250.99}],
    },
)
_SCORES = {"c-1": 91, "c-2": 77, "c-3": 50, "c-4": 34, "c-5": 12}
_LARGEST_PAGE = 100


def shop_routes(charges: Charges) -> list[Route]:
    """Return the shop's routes, without a prefix; all prefixes share the charges."""
    shop = _Shop(charges)
    return [
        Route("/v1/health", shop.health),
        Route("/v1/customers", shop.customers),
        Route("/v1/customers/{id}", shop.customer),
        Route("/v1/orders", shop.orders),
        Route("/v1/orders/{id:path}", shop.order),
        Route("/v1/scores/{customer}", shop.score),
        Route("/v1/charges", shop.all_charges, methods=["GET"]),
        Route("/v1/charges", shop.charge, methods=["POST"]),
        Route("/v1/charges/{id}", shop.one_charge),
        Route("/v1/reports", shop.report, methods=["POST"]),
        Route("/v1/exports", shop.start_export, methods=["POST"]),
        Route("/v1/exports/{id}", shop.export, methods=["GET"]),
        Route("/v1/exports/{id}", shop.stop_export, methods=["DELETE"]),
    ]


class _Shop:
    def __init__(self, charges: Charges) -> None:
        self._charges = charges
        #: The exports by id, and how often each was asked for.
        self._exports: dict[str, int] = {}

    async def health(self, _request: Request) -> Response:
        return answer({"status": "ok"})

    async def customers(self, request: Request) -> Response:
        limit = _limit(request.query_params.get("limit", "50"))
        after = request.query_params.get("after")
        start = 0
        if after is not None:
            start = next((place for place, one in enumerate(_CUSTOMERS, 1) if one["id"] == after), -1)
            if start < 0:
                raise Refusal(422, "unknown_cursor", "after: no customer has this id")
        page = _CUSTOMERS[start : start + limit]
        is_last = start + limit >= len(_CUSTOMERS)
        following = None if is_last else f"/v1/customers?limit={limit}&after={page[-1]['id']}"
        return answer({"items": page, "next": following})

    async def customer(self, request: Request) -> Response:
        return answer(_one(_CUSTOMERS, "customer", request.path_params["id"]))

    async def orders(self, _request: Request) -> Response:
        return answer({"items": _ORDERS, "next": None})

    async def order(self, request: Request) -> Response:
        return answer(_one(_ORDERS, "order", request.path_params["id"]))

    async def score(self, request: Request) -> Response:
        customer = request.path_params["customer"]
        if customer not in _SCORES:
            raise Refusal(404, "not_found", f"No customer has the id {customer!r}")
        return answer({"customer": customer, "score": _SCORES[customer]})

    async def all_charges(self, _request: Request) -> Response:
        return answer({"items": self._charges.all, "next": None})

    async def one_charge(self, request: Request) -> Response:
        return answer(_one(self._charges.all, "charge", request.path_params["id"]))

    async def charge(self, request: Request) -> Response:
        wanted = await _json_object(request)
        amount = wanted.get("amount", 0)
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or amount < 0:
            raise Refusal(422, "invalid_amount", "amount: a number, 0 or more")
        environment = request.query_params.get("environment", "test")
        key = request.headers.get("idempotency-key")
        sent = hashlib.sha256(f"{request.url.query}\n".encode() + await request.body()).hexdigest()
        if key is not None and (earlier := self._charges.earlier(key)) is not None:
            if earlier.fingerprint != sent:
                raise Refusal(
                    422,
                    "idempotency_key_reused",
                    "Idempotency-Key: it was used for another request; use a new one for each",
                )
            return answer(earlier.charge, 201, {"Idempotent-Replayed": "true"})
        stored = self._charges.add(wanted, environment=environment, key=key, fingerprint=sent)
        return answer(stored, 201, {"Location": f"/v1/charges/{stored['id']}"})

    async def report(self, request: Request) -> Response:
        content = await request.body()
        report = await _json_object(request)
        return answer({**report, "id": "rep_" + hashlib.sha256(content).hexdigest()[:12]}, 201)

    async def start_export(self, request: Request) -> Response:
        wanted = await _json_object(request)
        export = "exp_" + hashlib.sha256(repr(sorted(wanted)).encode()).hexdigest()[:12]
        self._exports[export] = 0
        headers = {"Location": f"exports/{export}", "Retry-After": "0"}
        return answer({"id": export, "state": "running"}, 202, headers)

    async def export(self, request: Request) -> Response:
        export = request.path_params["id"]
        if export not in self._exports:
            raise Refusal(404, "not_found", f"No export has the id {export!r}")
        self._exports[export] += 1
        # It is ready the second time.
        if self._exports[export] == 1:
            return answer({"id": export, "state": "running"}, 202, {"Retry-After": "1"})
        return answer({"id": export, "state": "done", "rows": len(_ORDERS), "total": 1398.49})

    async def stop_export(self, request: Request) -> Response:
        self._exports.pop(request.path_params["id"], None)
        return answer({}, 200)


def _one(among: Any, what: str, wanted: str) -> dict[str, Any]:
    for one in among:
        if one["id"] == wanted:
            return dict(one)
    raise Refusal(404, "not_found", f"No {what} has the id {wanted!r}")


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise Refusal(422, "invalid_limit", f"limit: a number from 1 to {_LARGEST_PAGE}")
    return int(text)


async def _json_object(request: Request) -> dict[str, Any]:
    if media_type(request) != "application/json":
        raise Refusal(415, "unsupported_media_type", "Content-Type: application/json is all that is taken")
    try:
        value = parse_foreign_json((await request.body()).decode())
    except ValueError:
        raise Refusal(400, "malformed_json", "The body is no JSON") from None
    if not isinstance(value, dict):
        raise Refusal(422, "no_object", "The body is no JSON object")
    return value
