"""Who may do what with which Dag, as a test says: an auth manager of Airflow's, as large deployments have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

#: By user: the Dags that he may read, and those that he may trigger.
READS: dict[str, set[str]] = {}
TRIGGERS: dict[str, set[str]] = {}
#: Those who may read Dags, but not all of what they hold: by user, what not.
WITHOUT: dict[str, set[DagAccessEntity]] = {}
#: Those who may trigger Dags, but not edit them.
WITHOUT_EDITS: set[str] = set()
#: Those who may read Dags, but no assets.
WITHOUT_ASSETS: set[str] = set()


class RightsByDag(SimpleAuthManager):
    """Asks the tables above."""

    def init(self) -> None:
        """Make no passwords."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Tell whether the user may."""
        if access_entity in WITHOUT.get(user.username, ()) or (method == "PUT" and user.username in WITHOUT_EDITS):
            return False
        dags = (READS if method == "GET" else TRIGGERS).get(user.username, set())
        return bool(dags) if details is None or details.id is None else details.id in dags

    def is_authorized_asset(self, *, method: Any, user: Any, details: Any = None) -> bool:
        """Let everybody read assets who may read anything, and make events who may trigger anything, but for some."""
        if user.username in WITHOUT_ASSETS:
            return False
        return bool((READS if method == "GET" else TRIGGERS).get(user.username))


def session_of(username: str) -> str:
    """Return what Airflow's UI keeps in its cookie for a user who is logged in."""
    from airflow.api_fastapi.app import get_auth_manager

    user = SimpleAuthManagerUser(username=username, role="VIEWER", teams=[])
    return str(get_auth_manager().generate_jwt(user))
