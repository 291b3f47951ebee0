"""A call that was carried out is made once, though Airflow can't keep what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("answer", [b"1" + b"0" * 30, rb'"a\u0000b"', b'"' + b"x" * 200 + b'"'])
def test_what_it_can_t_keep_fails_the_step_for_good(
    run: Callable[..., Any], connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUDFN__XCOM_LIMIT", "100")
    server = connected()
    server.answer(body=answer)

    result = run(
        "CloudFunctionOperator(task_id='t', cloudfn_conn_id='service', method='POST', uri='\"/x\"', retries=2)"
    )

    assert result.states == {"t": ["failed"]}
    assert len(server.received) == 1
