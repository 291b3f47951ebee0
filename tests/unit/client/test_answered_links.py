"""A link in an answer, however its service writes it: what is asked stays on the connection's origin."""

from __future__ import annotations

import pytest

from airflow_provider_cloudfn.client.client import Client
from airflow_provider_cloudfn.client.request import Request
from airflow_provider_cloudfn.client.url import BaseUrl
from airflow_provider_cloudfn.exceptions import ConfigurationError


def asked(base: str, link: str) -> str:
    """Return what is asked for a link in the answer to ``/v1/items``."""
    base_url = BaseUrl.parse(base, allow_http=True)
    return base_url.join(Client(base_url=base_url).resolve(Request("GET", "/v1/items"), link))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/v1/items?q=a b", "https://h.test/v1/items?q=a%20b"),
        ("?q=a b&r=%20", "https://h.test/v1/items?q=a%20b&r=%20"),
        ("https://h.test/v1/ä|x", "https://h.test/v1/%C3%A4%7Cx"),
        ("/v1/a\\b", "https://h.test/v1/a%5Cb"),
        ("/v1/a%2Fb?c=[1]", "https://h.test/v1/a%2Fb?c=%5B1%5D"),
        ("http://h.test/v1/items?page=2", "https://h.test/v1/items?page=2"),
        ("http://H.test:80?page=2", "https://h.test/?page=2"),
        ("http://h.test:443/v1", "https://h.test/v1"),
    ],
)
def test_a_link_is_read_as_it_is_meant(link: str, url: str) -> None:
    assert asked("https://h.test", link) == url


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("https://h.test", "http://h.test:8080/v1"),
        ("https://h.test", "http://evil.test/v1"),
        ("https://h.test", "http://h.test@evil.test/v1"),
        ("https://h.test", "http://h.test:443@evil.test/v1"),
        ("https://h.test", "\\\\evil.test/v1\\..\\..\\.."),
        ("https://h.test", "//evil.test/v1"),
        ("https://h.test:8443", "http://h.test/v1"),
        ("http://h.test", "https://h.test/v1"),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(base: str, link: str) -> None:
    with pytest.raises(ConfigurationError):
        asked(base, link)
