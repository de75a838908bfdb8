"""The address of a PostgreSQL database: checked, and shown without its password."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict

from penstock.core.errors import Invalid

_EXAMPLE: Final = "give it as postgresql://user:password@host:5432/database, special characters as %40 and the like"

_DEFAULTS: Final[dict[str, str | int]] = {
    "application_name": "penstock",
    "connect_timeout": 10,
    # A machine that vanished is noticed within a minute, also by a connection that only listens.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


class Address(Struct, frozen=True):
    """Where a database is.

    Args:
        parameters: What its driver connects with, secrets among it.
        shown: The same for people: without password, and without anything that may hold one.
    """

    parameters: dict[str, Any]
    shown: str

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def read(url: str) -> Address:
    """Return the address that a URL names; raise Invalid, without showing the URL, when it is none."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its message may quote a part of the password
        raise Invalid("the address of the database is no PostgreSQL URL", hint=_EXAMPLE) from None
    user = f"{given['user']}@" if "user" in given else ""
    port = f":{given['port']}" if str(given.get("port", "")).strip(",") else ""
    shown = f"postgresql://{user}{given.get('host') or ''}{port}/{given.get('dbname') or given.get('user', '')}"
    return Address({**_DEFAULTS, **given, "client_encoding": "utf-8"}, shown)
