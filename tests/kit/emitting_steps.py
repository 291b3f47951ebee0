"""Every kind of step that has completion events."""

from __future__ import annotations

import pytest

#: Every kind of step that has a completion event; `{more}` are further parameters.
STEPS = {
    "plain": "CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/thing\"', {more})",
    "mapped": (
        "CloudFunctionOperator.partial(task_id='call', cloudfn_conn_id='service', uri='\"/thing\"', {more}).expand(inputs=[1])"
    ),
    "for_each": "CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', uri='\"/thing\"', for_each=[1, 2], {more})",
    "poll": (
        "CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', method='POST', uri='\"/thing\"', "
        "poll=Poll(done_when='response.body.state == \"done\"', every=0.01, uri='\"/thing\"'), {more})"
    ),
    "triggerer": (
        "CloudFunctionOperator(task_id='call', cloudfn_conn_id='service', method='POST', uri='\"/thing\"', deferrable=True, "
        "poll=Poll(done_when='response.body.state == \"done\"', every=0.01, uri='\"/thing\"'), {more})"
    ),
    "sensor": "CloudFunctionSensor(task_id='call', cloudfn_conn_id='service', uri='\"/thing\"', poke_interval=0.01, {more})",
    "deferred sensor": (
        "CloudFunctionSensor(task_id='call', cloudfn_conn_id='service', uri='\"/thing\"', deferrable=True, "
        "poke_interval=0.01, {more})"
    ),
    "emporix": "EmporixStartOperator(task_id='call', emporix_conn_id='emporix', event_type='order.paid', {more})",
}
EVERY_STEP = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def written(step: str, **more: str) -> str:
    return step.format(more=", ".join(f"{name}={value}" for name, value in more.items()))
