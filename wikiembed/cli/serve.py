"""``serve``: the console for browsers, until a signal."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from wikiembed.cli.each import require_any
from wikiembed.config import load_settings
from wikiembed.errors import ConfigurationError, WrongUsage
from wikiembed.telemetry import configure_logging

EXTRA = ("jinja2", "prometheus_client", "starlette", "uvicorn")


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("serve")(run_serve)


def run_serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; WIKIEMBED_WEB_HOST, 127.0.0.1, if not given."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port; WIKIEMBED_WEB_PORT, 8600, if not given; 0: a free one."
        ),
    ] = None,
    root_path: Annotated[
        str | None, typer.Option(help="Path below which a proxy publishes it, such as /wikiembed.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer no action.")] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with a line NAME:TOKEN per user, or a token alone."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy that names the user; may be repeated."),
    ] = None,
    user_header: Annotated[
        str | None, typer.Option(help="Header in which that proxy names the user.")
    ] = None,
) -> None:
    """Serve the console: pages that show the state and act on it, until SIGTERM or Ctrl-C.

    It is open on a loopback address. On any other it starts only with tokens (--token-file), or
    behind a proxy that names the user (--trusted-proxy with --user-header). It connects as the role
    of WIKIEMBED_DATABASE_URL, whose rights decide which actions it offers. If that names several
    databases, the first page lists them, and one that is away does not stop the others.
    """
    if missing := [name for name in EXTRA if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"The console needs {', '.join(missing)}: run `pip install 'wikiembed[web]'`."
        )
    from wikiembed.web.access import Access, is_loopback
    from wikiembed.web.consoles import console
    from wikiembed.web.server import serve

    given = {
        "web_host": host,
        "web_port": port,
        "web_root_path": root_path,
        "web_read_only": read_only or None,
        "web_token_file": token_file,
        "web_trusted_proxy": ",".join(trusted_proxy) if trusted_proxy else None,
        "web_user_header": user_header,
    }
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    access = Access.of(settings)
    if access.is_open and not is_loopback(settings.web_host):
        raise WrongUsage(
            f"The console is open to everyone who reaches {settings.web_host}: give --token-file,"
            " or --trusted-proxy and --user-header, or listen on 127.0.0.1."
        )
    configure_logging(style=settings.log_format, level=settings.log_level)
    require_any(settings)  # an outage at the start exits at once; a later one is shown
    application = console(settings, access=access, root_path=settings.web_root_path)
    serve(application, host=settings.web_host, port=settings.web_port)
