"""Who may see what: Airflow's own rights, asked through its own dependencies, and where a form may come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user, requires_access_asset, requires_access_dag
from airflow.models.dag import DagModel
from airflow.sdk import conf
from fastapi import Depends, HTTPException, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "acts_on_dag",
    "current_user",
    "makes_asset_events",
    "may",
    "may_act_on",
    "may_make_asset_events",
    "may_read_assets",
    "readable_dags",
    "reads_assets",
    "reads_calls",
    "sees_task_instances",
    "sent_from_here",
    "triggers_dag",
    "with_readable_calls",
]

#: Whoever asks. Who is nobody gets 401.
current_user = Depends(get_user)

#: May read what the tasks of the Dag in the path have left.
reads_calls = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
#: May see the task instances of the Dag in the path, and what their parameters became.
sees_task_instances = Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE))
#: May start a run of the Dag in the path.
triggers_dag = Depends(requires_access_dag("POST", DagAccessEntity.RUN))
#: May edit the Dag in the path, and start its runs: for what does something outside of these pages.
acts_on_dag = (Depends(requires_access_dag("PUT")), triggers_dag)
#: May read assets.
reads_assets = Depends(requires_access_asset("GET"))
#: May make asset events, which start Dags.
makes_asset_events = Depends(requires_access_asset("POST"))


def readable_dags(user: Any) -> set[str]:
    """
    Return the ids of the Dags that somebody may read.

    :param user: Whoever asks.
    """
    return get_auth_manager().get_authorized_dag_ids(user=user, method="GET")


def may(user: Any, dag_id: str, method: Any, entity: DagAccessEntity | None = None) -> bool:
    """
    Tell whether somebody may do something with a Dag.

    :param user: Whoever asks.
    :param dag_id: The Dag.
    :param method: What he would do: GET reads, POST makes, PUT edits.
    :param entity: With what of the Dag; None for the Dag itself.
    """
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user)


def may_act_on(user: Any, dag_id: str) -> bool:
    """
    Tell whether somebody is let through by :data:`acts_on_dag`.

    :param user: Whoever asks.
    :param dag_id: The Dag.
    """
    return may(user, dag_id, "PUT") and may(user, dag_id, "POST", DagAccessEntity.RUN)


def may_read_assets(user: Any) -> bool:
    """
    Tell whether somebody may see assets, and what their events carry.

    :param user: Whoever asks.
    """
    return get_auth_manager().is_authorized_asset(method="GET", user=user)


def may_make_asset_events(user: Any) -> bool:
    """
    Tell whether somebody may make asset events.

    :param user: Whoever asks.
    """
    return get_auth_manager().is_authorized_asset(method="POST", user=user)


def with_readable_calls(user: Any, dag_ids: Iterable[str]) -> set[str]:
    """
    Return those of some Dags of which somebody may read what their tasks have left.

    :param user: Whoever asks.
    :param dag_ids: The Dags.
    """
    return {dag_id for dag_id in set(dag_ids) if may(user, dag_id, "GET", DagAccessEntity.XCOM)}


async def _sent_from_here(request: Request) -> None:
    """
    Refuse a form that another site has sent with the session of whoever looks at that site.

    A browser says where a request comes from, and no page can make it say something else (Fetch Metadata, section 2.3;
    RFC 6454, section 7). What says nothing is no browser that has a session.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_own = site == "same-origin"
    else:
        # A proxy in front of Airflow may put a name of its own into Host: what is known from outside is the base URL's.
        own = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc} - {None, ""}
        is_own = urlsplit(request.headers.get("origin", "")).netloc in own
    if not is_own:
        raise HTTPException(
            403, "This form was sent by another site. Open the page in Airflow, and send it from there."
        )


#: The form comes from one of these pages.
sent_from_here = Depends(_sent_from_here)
