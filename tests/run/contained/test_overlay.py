"""What is laid over the packages of an image: nothing, what Penstock needs, or what the task needs, for its Python."""

from __future__ import annotations

import platform
import subprocess
import sys
import sysconfig
from importlib import metadata

import pytest

from penstock.core.errors import Invalid, NotFound
from penstock.core.task import Script
from penstock.run.contained.overlay import Image, Wanted, overlay_for, platform_of
from penstock.settings import Environments

PACKAGES = {one.metadata["Name"]: one.version for one in metadata.distributions()}
HERE = Image(
    version=platform.python_version(),
    executable=sys.executable,
    platform=sysconfig.get_platform(),
    libc="2.36",
    implementation="cpython",
    packages=PACKAGES,
)


@pytest.fixture
def lay(tmp_path, wheels):
    """Return what is laid over an image for a function with these packages."""

    def lay(image, packages=None, *, same_env=False, say=lambda _: None):
        how = Environments(index="none", find_links=(str(wheels.folder),))
        wanted = Wanted(
            script=Script(source="x = 1", packages=packages), cache=tmp_path / "cache", same_env=same_env, how=how
        )
        return overlay_for(image, wanted, say)

    return lay


def bare(**packages):
    from msgspec.structs import replace

    return replace(HERE, packages=packages)


def test_an_image_that_has_everything_stays_as_it_is(lay):
    assert lay(HERE).recorded == "image: nothing says which packages it needs"
    assert lay(HERE, ("msgspec>=0.1",)).recorded == "image: what its record names is installed in the image"
    assert lay(HERE, ("iniconfig==0.0.1",), same_env=True).recorded == "image: it was asked for"


def test_what_penstock_needs_is_laid_over_an_image_that_lacks_it_and_is_kept(lay):
    said = []
    found = lay(bare(), say=said.append)
    assert found.recorded == "image and packages of its own: what Penstock needs is not in the image"
    assert (found.folder / "msgspec").is_dir()
    found.slot.close()
    again = lay(bare(other="1.0"), say=said.append)
    again.slot.close()
    assert again.folder == found.folder
    assert said == [f"installing what Penstock needs for Python {sysconfig.get_python_version()} of the image"]


def test_what_the_task_needs_in_another_version_than_the_images_is_laid_over_it(lay):
    found = lay(HERE, ("iniconfig==0.0.1",))
    assert found.recorded.startswith("image and packages of its own: iniconfig==0.0.1 is needed, and ")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import iniconfig; print(iniconfig.__file__)"
    shown = subprocess.check_output([sys.executable, "-c", code, str(found.folder)], text=True)
    found.slot.close()
    assert shown.startswith(str(found.folder))


def test_a_package_that_cannot_be_had_is_named(lay):
    with pytest.raises(NotFound, match="package 'nowhere==1' cannot be had"):
        lay(HERE, ("nowhere==1",))


def test_packages_of_a_task_that_no_machine_follows_are_refused(lay):
    with pytest.raises(Invalid):
        lay(HERE, ("--index-url=https://evil.example",))


def test_an_image_whose_python_is_too_old_says_so(lay):
    with pytest.raises(NotFound, match=r"the Python of the image is 3.9.2, and Penstock needs 3.11"):
        lay(Image(version="3.9.2"))


@pytest.mark.parametrize(
    ("given", "libc", "expected"),
    [
        ("linux-x86_64", "2.36", "x86_64-manylinux_2_36"),
        ("linux-x86_64", "2.99", "x86_64-manylinux_2_40"),
        ("linux-x86_64", "2.30", "x86_64-manylinux_2_28"),
        ("linux-aarch64", "2.17", "aarch64-manylinux_2_17"),
        ("linux-x86_64", "", "x86_64-unknown-linux-musl"),
    ],
)
def test_packages_are_built_for_the_machine_and_library_of_the_image(given, libc, expected):
    assert platform_of(Image(version="3.12.0", platform=given, libc=libc, implementation="cpython")) == expected


@pytest.mark.parametrize(("given", "python"), [("linux-riscv64", "cpython"), ("linux-x86_64", "pypy")])
def test_an_image_for_which_nobody_builds_packages_must_have_them(given, python):
    with pytest.raises(NotFound, match="no packages can be installed") as caught:
        platform_of(Image(version="3.12.0", platform=given, implementation=python))
    assert given in caught.value.message
