"""The page that takes a token, and the end of a session."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from wikiembed.telemetry import emit
from wikiembed.web.access import SESSION_COOKIE, SESSION_S
from wikiembed.web.context import Context
from wikiembed.web.http import local_path


async def show(context: Context) -> Response:
    """The form."""
    return context.page("login.html", next=local_path(context.given("next")), wrong=False)


async def log_in(context: Context) -> Response:
    """Begin a session with a right token; else the form again."""
    access = context.pages.access
    after = local_path(context.form.get("next"))
    name = access.log_in(context.form.get("token", "").strip())
    if name is None:
        emit("console_refused", level=30, reason="token")
        return context.page("login.html", status=401, next=after, wrong=True)
    response = RedirectResponse(context.root + after, status_code=303)
    context.cookies.set(response, SESSION_COOKIE, access.session(name), max_age=SESSION_S)
    return response


async def log_out(context: Context) -> Response:
    """End the session in this browser."""
    response = RedirectResponse(context.home("/login"), status_code=303)
    context.cookies.delete(response, SESSION_COOKIE)
    return response
