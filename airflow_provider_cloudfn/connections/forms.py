"""The forms of all connection types, for the provider info and the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cloudfn.connections.amazon_connect_form import AMAZON_CONNECT_FORM
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.connections.emporix_form import EMPORIX_FORM
from airflow_provider_cloudfn.connections.event_source_form import EVENT_SOURCE_FORM

if TYPE_CHECKING:
    from airflow_provider_cloudfn.connections.form import ConnectionForm

__all__ = ["FORMS"]

FORMS: tuple[ConnectionForm, ...] = (CLOUDFN_FORM, AMAZON_CONNECT_FORM, EMPORIX_FORM, EVENT_SOURCE_FORM)
