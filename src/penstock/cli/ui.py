"""`penstock ui`: the address by which a browser gets in, at the server of this home or at one that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

import penstock
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation
from penstock.cli.server import hosted, parts
from penstock.core.errors import NotFound

if TYPE_CHECKING:
    from penstock.server.serve import Address
    from penstock.settings import Settings

SOURCES = Path(penstock.__file__).parents[2]  # where Penstock is used from its sources
EXAMPLE = """\
\b
Examples:
  penstock ui           prints an address; it works once, within a minute
  penstock ui --open    opens it as well
  penstock ui build     builds the page, where Penstock was installed without it
"""


@click.group("ui", epilog=EXAMPLE, invoke_without_command=True)
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
@click.option(
    "--port", default=0, show_default="a free one", type=click.IntRange(0, 65535), help="The port, if one is started."
)
@json_option
@click.pass_context
@pass_invocation
def command(invocation: Invocation, context: click.Context, opens: bool, port: int) -> Exit:
    """Print the address by which a browser gets in as you.

    It leads to the server that PENSTOCK_URL names, or that serves this home. When there is none, one is started, for
    this machine alone; it serves until the process is told to stop. What is started from the page then runs here: an
    agent starts by itself when something waits.
    """
    from msgspec.structs import replace

    if context.invoked_subcommand is not None:
        return Exit.OK
    parts()
    settings = invocation.settings
    url = settings.url or _address_of_server(settings.home)
    if url:
        _show(invocation, _asked_for(replace(settings, url=url)), opens=opens)
    else:
        _serve(invocation, port, opens=opens)
    return Exit.OK


@command.command("build")
def build() -> Exit:
    """Build the page out of the sources that this Penstock was installed from; released packages hold it already.

    It needs Node.js 20.19 or newer, and fetches what it is built with from the npm registry.
    """
    script = SOURCES / "scripts" / "page.py"
    if not (script.exists() and (SOURCES / "ui").exists()):
        raise NotFound(
            "there is nothing here that the page could be built from: this Penstock was not installed as a folder of"
            " sources",
            hint="a released package holds the page: pip install --force-reinstall penstock",
        )
    return Exit.FAILED if subprocess.run([sys.executable, str(script)], check=False).returncode else Exit.OK


def _address_of_server(home: Path) -> str:
    """Return the address of the server that serves the home; nothing when none does."""
    import msgspec

    from penstock.server.serve import Address

    try:
        found = msgspec.json.decode((home / "server.json").read_bytes(), type=Address)
        os.kill(found.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return ""
    return found.url


def _asked_for(settings: Settings) -> str:
    """Return the address that a server gives to whoever has a key."""
    import msgspec

    from penstock.backend.client import Client
    from penstock.backend.protocol import API, JSON
    from penstock.backend.remote import key_of
    from penstock.server.login import Code
    from penstock.server.serve import login_link

    client = Client(settings.url, key_of(settings), settings.authorities)
    try:
        answer = client.ask("POST", f"{API}/login-codes", b"{}", {"Content-Type": JSON, "Accept": JSON})
    finally:
        client.close()
    return login_link(settings.url, msgspec.json.decode(answer.body, type=Code).code)


def _serve(invocation: Invocation, port: int, *, opens: bool) -> None:
    """Serve the home to this machine until the process is told to stop."""
    from msgspec.structs import replace

    from penstock.server.serve import Serving

    settings = replace(invocation.settings, url="")

    def ready(address: Address) -> None:
        click.echo(f"Penstock serves at {address.url}; Ctrl-C to end it", err=True)
        _show(invocation, server.login_link(), opens=opens)

    with hosted(settings, Serving(home=settings.home, port=port), ready, attended=True) as server:
        server.run_until_told()


def _show(invocation: Invocation, link: str, *, opens: bool) -> None:
    if invocation.json:
        from penstock.cli.document import emit

        emit({"url": link})
    else:
        click.echo(link)
    sys.stdout.flush()
    if opens:
        click.launch(_page(invocation.settings.home, link).as_uri())


def _page(home: Path, link: str) -> Path:
    """Write a page that leads there: what a browser is started with can be seen by everybody on the machine."""
    from html import escape

    file = home / "ui.html"
    with suppress(FileNotFoundError):
        file.unlink()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as page:
        page.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(link)}">\n')
    return file
