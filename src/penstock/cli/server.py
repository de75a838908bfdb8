"""`penstock server`: keeps everything for many machines, and answers them over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from types import ModuleType

    from penstock.server.serve import Address, Server, Serving
    from penstock.settings import Settings

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = """\
\b
Example:
  penstock server --port 8765
  export PENSTOCK_URL=http://127.0.0.1:8765     # in another terminal
  penstock runs
"""


@click.command("server", epilog=EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="What to listen on: this machine alone.")
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one."
)
@click.option(
    "--name", "names", multiple=True, metavar="NAME", help="How else clients call it, as penstock.example.org."
)
@click.option(
    "--files-port",
    default=0,
    show_default="a free one",
    type=click.IntRange(0, 65535),
    help="The port under which browsers are shown what tasks stored.",
)
@click.option(
    "--files-name", default="", metavar="NAME", help="A second name of the server, which shows it instead of that port."
)
@click.option("--tls-cert", "certificate", type=FILE, help="PEM file with the certificate; the server speaks TLS then.")
@click.option("--tls-key", "key", type=FILE, help="PEM file with its key.")
@click.option("--tls-proxy", "proxied", is_flag=True, help="A proxy in front of the server speaks TLS.")
@click.option("--insecure-http", "may_lack", is_flag=True, help="Let other machines in without TLS.")
@click.option("--database", metavar="URL", help="postgresql://...; by default the file in the home.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    host: str,
    port: int,
    names: tuple[str, ...],
    files_port: int,
    files_name: str,
    certificate: Path | None,
    key: Path | None,
    proxied: bool,
    may_lack: bool,
    database: str | None,
) -> Exit:
    """Serve the home over HTTP until the process is told to stop."""
    from msgspec.structs import replace

    from penstock.settings import postgres_url

    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    app, serve = parts()
    settings = replace(invocation.settings, url="")  # what it serves is its own home
    if database is not None:
        settings = replace(settings, database_url=postgres_url(database, "--database"))
    chosen = serve.Serving(
        home=settings.home,
        host=host,
        port=port,
        names=names,
        files_port=files_port,
        files_name=files_name,
        tls=serve.Tls(certificate=certificate, key=key, proxied=proxied, may_lack=may_lack),
        limits=app.Limits(reserve=int(settings.hosting.keep_free * 1e9)),
    )
    say = _json if invocation.json else _say
    with hosted(settings, chosen, say) as server:
        server.run_until_told()
    return Exit.OK


@contextmanager
def hosted(
    settings: Settings, chosen: Serving, ready: Callable[[Address], object], *, attended: bool = False
) -> Generator[Server]:
    """Make a server of a home, which logs to stderr; in the end both are closed.

    Args:
        attended: Whether an agent is started on this machine whenever something waits that nobody else would take.
    """
    from penstock.backend.local import open_local
    from penstock.sdk.local_agent import Attendant

    serve = parts()[1]
    from penstock.server.loops import ATTENDANT, Loop

    serve.log_to_stderr()
    with closing(open_local(settings)) as backend:
        attendant = Attendant(backend, settings)
        attended = attended and settings.start_agent != "off"
        beside = [Loop(ATTENDANT, attendant.PERIOD, attendant.look, rest=attendant.REST)] if attended else []
        with serve.make_server(backend, chosen, ready, beside=beside) as server:
            yield server


def parts() -> tuple[ModuleType, ModuleType]:
    """Return the modules `app` and `serve`, of which a server is made.

    Raises:
        StoreError: They need what is not installed: it comes only where a server is wanted.
    """
    from penstock.core.errors import StoreError

    try:
        from penstock.server import app, serve
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the server needs {error.name}, which is not installed", hint="pip install 'penstock[server]'"
        ) from None
    return app, serve


def _say(address: Address) -> None:
    click.echo(f"Penstock serves at {address.url}   use it with: export PENSTOCK_URL={address.url}")


def _json(address: Address) -> None:
    from penstock.cli.document import emit

    emit(address)
    sys.stdout.flush()
