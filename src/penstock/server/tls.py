"""TLS: a certificate and its key, read once when the server starts, with errors that say what is wrong with them."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from penstock.core.errors import Invalid


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return how the server proves who it is.

    Args:
        certificate: PEM file with its certificate, and after that those between it and one that clients know.
        key: PEM file with the private key, without a password.

    Raises:
        Invalid: They cannot be used, or everybody on this machine can read the key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        is_open = stat.S_IMODE(key.stat().st_mode) & stat.S_IRWXO
        context.load_cert_chain(certificate, key, _no_password)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        hint = "both are PEM files, and belong to each other"
        raise Invalid(f"certificate {certificate} and key {key} cannot be used: {reason}", hint=hint) from None
    except OSError as error:
        raise Invalid(f"{error.filename or f'{certificate} or {key}'} cannot be read: {error.strerror}") from None
    if is_open:
        raise Invalid(f"everybody on this machine can use the key {key}", hint=f"chmod o= {key}")
    return context


def _no_password() -> str:
    raise Invalid("the key of the certificate has a password", hint="give a key without one, readable by you alone")
