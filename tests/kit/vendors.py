"""
Small services that page as well-known ones do, and refuse what those refuse.

Each has twenty records, two on a page, and the rules that its original's documentation states.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from kit.server import Answer

if TYPE_CHECKING:
    from kit.server import Received

RECORDS = 20
SIZE = 2


class Vendor(Protocol):
    """A service, which answers one request at a time."""

    def reply(self, request: Received) -> Answer: ...


def query_of(request: Received) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.target).query, strict_parsing="?" in request.target))


def address(request: Received, rest: str) -> str:
    """Return the whole URL of another page of the same service."""
    return f"http://{request.headers['host']}{rest}"


class Orders:
    """Names the next page's path in its answer: one that nobody but it can make."""

    def reply(self, request: Received) -> Answer:
        begin = int(query_of(request).get("after", "0"))
        orders = [{"id": f"o-{number}"} for number in range(begin, begin + SIZE)]
        following = f"/v1/orders?limit={SIZE}&after={begin + SIZE}" if begin + SIZE < RECORDS else None
        return Answer.of(200, {"orders": orders, "next": following})


class GitHub:
    """Names whole links in the header ``Link``, by another path than the one that was asked; wants to know who asks."""

    def reply(self, request: Received) -> Answer:
        if not request.headers.get("user-agent"):
            return Answer.of(403, {"message": "Request forbidden by administrative rules: no User-Agent"})
        asked = query_of(request)
        page, last = int(asked.get("page", "1")), RECORDS // SIZE
        base = f"/repositories/33884891/issues?state={asked['state']}&per_page={asked['per_page']}&page="
        around = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        links = [
            f'<{address(request, f"{base}{number}")}>; rel="{name}"'
            for name, number in around.items()
            if 1 <= number <= last and not (name == "last" and page == last) and not (name == "first" and page == 1)
        ]
        first = (page - 1) * SIZE
        issues = [{"number": first + place, "title": f"Issue {first + place}"} for place in range(SIZE)]
        return Answer.of(200, issues, {"Link": ", ".join(links)})


class Stripe:
    """Goes on behind the record that is named, which must be one, and says whether there are more."""

    def reply(self, request: Received) -> Answer:
        asked, begin = query_of(request), 0
        if asked.get("customer") != "cus_1":
            return Answer.of(400, {"error": {"code": "parameter_missing", "param": "customer"}})
        if (after := asked.get("starting_after")) is not None:
            number = after.removeprefix("ch_")
            if not number.isdigit() or int(number) >= RECORDS:
                return Answer.of(400, {"error": {"code": "resource_missing", "param": "starting_after"}})
            begin = int(number) + 1
        charges = [{"id": f"ch_{number}", "object": "charge"} for number in range(begin, begin + int(asked["limit"]))]
        has_more = begin + SIZE < RECORDS
        return Answer.of(200, {"object": "list", "url": "/v1/charges", "has_more": has_more, "data": charges})


class Shopify:
    """Has cursors in its links that nobody can read, are good for one use, and may have no filter beside them."""

    def __init__(self) -> None:
        self._pages: dict[str, int] = {}

    def reply(self, request: Received) -> Answer:
        asked, begin = query_of(request), 0
        if (cursor := asked.pop("page_info", None)) is not None:
            if asked.keys() - {"limit", "fields"}:
                return Answer.of(400, {"errors": {"page_info": "cannot be combined with a filter"}})
            if cursor not in self._pages:
                return Answer.of(400, {"errors": {"page_info": "Invalid value."}})
            begin = self._pages.pop(cursor)
        products = [{"id": number, "title": f"Product {number}"} for number in range(begin, begin + SIZE)]
        links = {}
        if begin + SIZE < RECORDS:
            following = f"eyJsYXN0X2lkIjo{begin + SIZE}fQ=="
            self._pages[following] = begin + SIZE
            rest = f"/admin/api/2025-07/products.json?limit={SIZE}&page_info={following}"
            links = {"Link": f'<{address(request, rest)}>; rel="next"'}
        return Answer.of(200, {"products": products}, links)


class OData:
    """Has whole links in ``@odata.nextLink``, absent at the end; the headers of the first request are wanted on every page."""

    def reply(self, request: Received) -> Answer:
        asked = query_of(request)
        if request.headers.get("consistencylevel") != "eventual":
            return Answer.of(400, {"error": {"code": "Request_UnsupportedQuery"}})
        preferred = request.headers.get("prefer", "")
        size = int(preferred.partition("odata.maxpagesize=")[2] or RECORDS)
        begin = int(asked.get("$skiptoken", "0"))
        users = [{"id": f"u-{number}", "displayName": f"User {number}"} for number in range(begin, begin + size)]
        body: dict[str, Any] = {"@odata.context": "$metadata#users", "@odata.count": RECORDS, "value": users}
        if begin + size < RECORDS:
            rest = f"/v1.0/users?$select={asked['$select']}&$count=true&$skiptoken={begin + size}"
            body["@odata.nextLink"] = address(request, rest)
        return Answer.of(200, body, {"OData-Version": "4.0", "Preference-Applied": preferred})


class Elasticsearch:
    """Goes on behind the values that the last hit was sorted by, in the body, beside the same query and the same sort."""

    #: Every two sort alike by their time, as they do in a log.
    hits = tuple(
        {
            "_id": str(number),
            "_source": {"id": number, "level": "error"},
            "sort": [1_780_000_000_000 + number // 2, number],
        }
        for number in range(RECORDS)
    )

    def reply(self, request: Received) -> Answer:
        asked = request.json()
        after = asked.get("search_after", [0, -1])
        if asked.get("query") != {"term": {"level": "error"}} or len(after) != len(asked.get("sort", ())):
            return Answer.of(400, {"error": {"type": "illegal_argument_exception"}, "status": 400})
        found = [hit for hit in self.hits if hit["sort"] > after][: asked["size"]]
        return Answer.of(200, {"took": 1, "hits": {"total": {"value": RECORDS}, "hits": found}})


class Salesforce:
    """Makes an export in its own time: 202 with its place, its state by that, and what it has made as a download."""

    content = b'"Id","Name"\n"001A","Acme"\n"001B","Burlington"\n'

    def __init__(self) -> None:
        self.states = ["InProgress", "InProgress", "JobComplete"]
        self.aborted = False
        #: When each request came, in seconds.
        self.times: list[float] = []
        self._lock = threading.Lock()

    def reply(self, request: Received) -> Answer:
        place = "/services/data/v62.0/jobs/query"
        self.times.append(time.monotonic())
        match request.method, request.target:
            case "POST", target if target == place:
                if request.json().get("operation") != "query":
                    return Answer.of(400, [{"errorCode": "INVALIDJOB"}])
                headers = {"Location": f"{place}/750A", "Retry-After": "1"}
                return Answer.of(202, {"id": "750A", "state": "UploadComplete"}, headers)
            case "PATCH", target if target == f"{place}/750A":
                self.aborted = request.json() == {"state": "Aborted"}
                return Answer.of(200, {"id": "750A", "state": "Aborted"})
            case "GET", target if target == f"{place}/750A":
                with self._lock:
                    state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                return Answer.of(200, {"id": "750A", "state": state}, {"Retry-After": "1"})
            case "GET", target if target == f"{place}/750A/results":
                if request.headers.get("accept") != "text/csv":
                    return Answer.of(406, [{"errorCode": "NOT_ACCEPTABLE"}])
                return Answer(
                    200,
                    self.content,
                    {"Content-Type": "text/csv", "Sforce-Locator": "null", "Sforce-NumberOfRecords": "2"},
                )
        return Answer.of(404, [{"errorCode": "NOT_FOUND"}])
