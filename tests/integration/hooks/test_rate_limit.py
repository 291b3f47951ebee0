"""A connection's rate limit holds for all who call over it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseHook
from requests.exceptions import ConnectTimeout

from airflow_provider_cloudfn.exceptions import RequestTimeoutError, ResponseError
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook

if TYPE_CHECKING:
    from pathlib import Path

    from kit.server import LoopbackServer


@pytest.fixture(autouse=True)
def limited(shop: Any, service: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__TOKEN_STORE_FOLDER", str(tmp_path))
    shop({"rate_limit": "1/h", "total_timeout": 5})


def test_a_hook_waits_for_what_another_hook_sent(service: LoopbackServer) -> None:
    CloudFunctionHook("shop").request("GET", "/orders")

    with pytest.raises(RequestTimeoutError, match=r"/orders: rate_limit of connection 'shop' \(1/h\)") as raised:
        CloudFunctionHook("shop").request("POST", "/orders")

    assert raised.value.never_sent
    assert len(service.received) == 1


def test_a_rate_that_was_too_slow_holds_nobody_up_once_it_is_faster(shop: Any, service: LoopbackServer) -> None:
    CloudFunctionHook("shop").request("GET", "/orders")
    shop({"rate_limit": "100/s", "total_timeout": 5})

    CloudFunctionHook("shop").request("GET", "/orders")

    assert len(service.received) == 2


def test_it_holds_in_event_loops_too(service: LoopbackServer) -> None:
    asyncio.run(CloudFunctionHook("shop").arequest("GET", "/orders"))

    with pytest.raises(RequestTimeoutError, match="rate_limit of connection 'shop'"):
        asyncio.run(CloudFunctionHook("shop").arequest("GET", "/orders"))

    assert len(service.received) == 1


def test_it_holds_for_airflow_s_own_operator_over_the_connection(service: LoopbackServer) -> None:
    CloudFunctionHook("shop").request("GET", "/orders")
    hook: Any = BaseHook.get_hook("shop", hook_params={"method": "GET"})

    with pytest.raises(ConnectTimeout, match="rate_limit of connection 'shop'"):
        hook.run("/orders")

    assert len(service.received) == 1


def test_it_holds_for_other_processes(service: LoopbackServer) -> None:
    program = (
        "from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook\n"
        "CloudFunctionHook('shop').request('GET', '/orders')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)

    with pytest.raises(RequestTimeoutError, match="rate_limit of connection 'shop'"):
        CloudFunctionHook("shop").request("GET", "/orders")

    assert len(service.received) == 1


def test_an_answer_that_asks_to_wait_holds_the_other_hooks_up(shop: Any, service: LoopbackServer) -> None:
    shop({"rate_limit": "100/s", "total_timeout": 5})
    service.answer(429, **{"Retry-After": "60"})
    with pytest.raises(ResponseError, match="answered 429"):
        CloudFunctionHook("shop").request("GET", "/orders")

    with pytest.raises(RequestTimeoutError, match="the service asked to wait"):
        CloudFunctionHook("shop").request("GET", "/orders")

    assert len(service.received) == 1
