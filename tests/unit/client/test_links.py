"""The header ``Link``, as services write it."""

from __future__ import annotations

import time

import pytest

from airflow_provider_cloudfn.client.links import linked


@pytest.mark.parametrize(
    "header",
    [
        '</a?page=2>; rel="next"',
        "</a?page=2>;rel=next",
        "</a?page=2> ; rel = NEXT ; count=5",
        '</a>; rel="first", </a?page=2>; rel="next", </a?page=9>; rel="last"',
        '</a>; rel=preload; as=style, </a?page=2>; rel="prev next"',
        '</a>; title="a, b; <c>"; rel=preload, </a?page=2>; rel=next',
        r'</a>; title="a \" b, <c>; rel=next"; rel=help, </a?page=2>; rel=next',
        '</a>; rel="previous"; results="false", </a?page=2>; rel="next"; results="true"; cursor="0:100:0"',
        "</a?page=2>; title*=UTF-8''n%c3%a4chste; rel=next",
        "</a>; rel=first,, </a?page=2>; rel=next,",
        # What RFC 8288 does not know, and its reader (appendix B) or others take.
        "</a?page=2>; rel='next'",
        "</a?page=2>; rel='prev next'",
        "</a>; title=two words; rel=first, </a?page=2>; rel=next",
        '</a>; title="one" two; rel=first, </a?page=2>; rel=next',
        "</a>; crossorigin; rel=preload, </a?page=2>; rel=next",
        '</a>; title=say "it"; rel=first, </a?page=2>; rel=next',
        "</a?page=2>;; rel=next",
    ],
)
def test_the_next_link_is_found(header: str) -> None:
    assert linked(header, "next") == "/a?page=2"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "/a?page=2; rel=next",
        "</a?page=2>",
        "</a?page=2>; rel=prev; rel=next",
        "</a?page=2>; rel=nextish",
        '</a>; title="</a?page=2>; rel=next',
        "</a?page=2; rel=next",
    ],
)
def test_what_is_no_next_link_is_none(header: str | None) -> None:
    assert linked(header, "next") is None


@pytest.mark.parametrize("part", ["<", "<a>;", '<a>; t="', "<a>; t=a ", ' "', ";;", ", ", "<a>;=", '<a>;x="\\'])
def test_it_takes_a_time_that_grows_as_the_header_does(part: str) -> None:
    begun = time.process_time()

    linked(part * (60_000 // len(part)), "next")

    assert time.process_time() - begun < 1
