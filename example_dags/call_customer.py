"""Amazon Connect: call a customer, with what a person types into the trigger form."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_provider_cloudfn import CloudFunctionOperator, cel

with DAG(
    "call_customer",
    schedule=None,
    description="Call a customer by Amazon Connect; in the demo the sandbox answers",
    doc_md=__doc__,
    tags=["cloudfn"],
    params={
        "phone": Param("+491701234567", type="string", pattern=r"^\+[1-9]\d{1,14}$", title="Phone number (E.164)"),
        "instance_id": Param("11111111-2222-3333-4444-555555555555", type="string", title="Connect instance"),
        "contact_flow_id": Param("66666666-7777-8888-9999-000000000000", type="string", title="Contact flow"),
    },
):
    # [START call_customer]
    CloudFunctionOperator(
        task_id="call",
        cloudfn_conn_id="amazon_connect_default",
        method="PUT",
        uri='"/contact/outbound-voice"',
        body={
            "DestinationPhoneNumber": cel("params.phone"),
            "InstanceId": cel("params.instance_id"),
            "ContactFlowId": cel("params.contact_flow_id"),
            "ClientToken": cel("run.idempotency_key"),
            "Attributes": {"reason": "Your order is on its way"},
        },
        returns="response.body.ContactId",
    )
    # [END call_customer]
