"""Finds the browser that the tests of the page use, and installs one where there is none and that is possible.

    python scripts/browser.py [--install]

Chromium or Chrome of this machine counts, and the one that PENSTOCK_BROWSER names. On Debian and Ubuntu it is installed
by apt-get, as root or by a sudo that asks for no password.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BY_HAND = "sudo apt-get install chromium"


def find_browser() -> str | None:
    """Return the browser's program, or None."""
    wanted = os.environ.get("PENSTOCK_BROWSER")
    return wanted or next((found for name in NAMES if (found := shutil.which(name))), None)


def install() -> bool:
    """Install Chromium; return whether it is there now."""
    program = shutil.which("apt-get")
    rights = _rights()
    if program is None or rights is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", "-y", "chromium"]):
        done = subprocess.run([*rights, program, *arguments], check=False, env=quiet, stdout=sys.stderr)
        if done.returncode and "install" in arguments:
            return False
    return find_browser() is not None


def _rights() -> list[str] | None:
    """Return what a command of root's has to begin with; None when we cannot be root."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode:
        return None
    return [sudo, "-n"]


def main() -> None:
    """Say which browser there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--install", action="store_true", help="install one where there is none")
    found = find_browser()
    if found is None and parser.parse_args().install and install():
        found = find_browser()
    print(found or f"no browser: the tests of the page are skipped; {BY_HAND}", file=sys.stderr)


if __name__ == "__main__":
    main()
