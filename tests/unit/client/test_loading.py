"""What is heavy is loaded when a request is sent, and not before: the modules are imported where Dags are parsed."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import importlib, pkgutil, sys
from airflow_provider_cloudfn import auth, client
for package in (auth, client):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name.rpartition(".")[2] not in ("connector", "framing", "resolver", "wire"):  # Parts of an open session.
            importlib.import_module(module.name)
from airflow_provider_cloudfn.auth.client_authentication import OAuth2Client
from airflow_provider_cloudfn.auth.oauth2 import OAuth2ClientCredentials
from airflow_provider_cloudfn.auth.sigv4 import SigV4Auth
from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.body import Json
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.url import BaseUrl
SigV4Auth(lambda: None, "connect", "eu-central-1")
oauth = OAuth2ClientCredentials(OAuth2Client(token_url="https://h/token", client_id="ann", client_secret="s"))
Client(base_url=BaseUrl.parse("https://h"), auth=oauth).prepare(Request("POST", "/v1", {"a": 1}, body=Json({"b": 2})))
heavy = {"aiohttp", "authlib", "botocore", "boto3", "cryptography", "joserfc", "requests", "urllib3", "yarl", "airflow"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_preparing_a_request_loads_nothing_that_sends_or_signs_one() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)

    assert done.stdout.split() == []
