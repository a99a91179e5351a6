"""The endpoint for Prometheus: what Postgres knows, by the rules of the pages or with a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response

from wikiembed.control.measurements import BRIEFLY_S, MEASUREMENTS, SELDOM_S, Rows, measure
from wikiembed.metrics.catalogue import DATABASE_UP, Metric
from wikiembed.metrics.prometheus import Family, exposition, family
from wikiembed.telemetry import emit
from wikiembed.web.access import Access, Denied

if TYPE_CHECKING:
    from wikiembed.web.app import Console


def require_scraper(request: HTTPConnection, access: Access) -> None:
    """Accept a bearer token of the token file, else whom the pages accept.

    Raises: Denied.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not access.tokens or scheme.lower() != "bearer":
        access.user_of(request)
    elif access.log_in(token.strip()) is None:
        emit("console_refused", level=30, reason="token")
        raise Denied("The bearer token is in no line of the token file.", status=401)


def refused(request: Request, access: Access) -> Response | None:
    """The answer to a request without access, 401 or 403; None: it may read the metrics."""
    try:
        require_scraper(request, access)
    except Denied as denied:
        headers = {"www-authenticate": "Bearer"} if denied.status == 401 else None
        return PlainTextResponse(f"{denied}\n", status_code=denied.status, headers=headers)
    return None


async def measured(console: Console) -> Mapping[Metric, Rows]:
    """The values of all metrics, which scrapes share.

    Raises: WikiembedError, psycopg.Error.
    """
    found: dict[Metric, Rows] = {}
    for kept_s in (BRIEFLY_S, SELDOM_S):
        work = partial(measure, kept_s=kept_s)
        found |= await console.shared.get(
            f"metrics {kept_s:g}", partial(console.database.read, work), seconds=kept_s
        )
    return found


async def serve(console: Console, request: Request) -> Response:
    """All metrics; 401 or 403 without access.

    Raises: WikiembedError, psycopg.Error.
    """
    if (answer := refused(request, console.access)) is not None:
        return answer
    found = await measured(console)
    return _page([family(one.metric, found[one.metric]) for one in MEASUREMENTS], request)


def page_of_several(
    found: Mapping[str, Mapping[Metric, Rows] | None], request: Request
) -> Response:
    """The metrics by the name of each database, which a label has; None: it is out of reach."""
    up = family(DATABASE_UP, [((name,), float(rows is not None)) for name, rows in found.items()])
    return _page(
        [
            up,
            *(
                family(
                    replace(one.metric, labels=(*DATABASE_UP.labels, *one.metric.labels)),
                    [
                        ((name, *labels), value)
                        for name, rows in found.items()
                        if rows is not None
                        for labels, value in rows[one.metric]
                    ],
                )
                for one in MEASUREMENTS
            ),
        ],
        request,
    )


def _page(families: Sequence[Family], request: Request) -> Response:
    body, content_type = exposition(families, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})
