"""Packages that a script asks for."""

from __future__ import annotations

import pytest

from penstock import Task
from penstock.core.errors import Invalid
from penstock.sdk.demanded import demand, forget, with_demanded


@pytest.fixture(autouse=True)
def nothing():
    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("version", "line"),
    [(None, "some_package"), ("", "some_package"), ("1.0", "some_package==1.0"), (">=2,<3", "some_package>=2,<3")],
)
def test_a_package_is_asked_for_in_any_one_or_some_versions(version, line):
    Task.add_requirements("some_package", version)
    assert with_demanded(["numpy==2.0"]) == ("numpy==2.0", line)


def test_what_is_asked_for_takes_the_place_of_what_was_found_and_of_what_was_asked_for_before():
    demand("some.Package", "1.0")
    demand("Some-package", "2.0")
    assert with_demanded(["numpy==2.0", "some_package==0.1"]) == ("numpy==2.0", "Some-package==2.0")


def test_the_lines_of_a_file_are_asked_for(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# comment\npandas>=2  # why\nhttps://example.org/a.whl\nhttps://example.org/b.whl\n")
    Task.add_requirements(str(file))
    urls = ("https://example.org/a.whl", "https://example.org/b.whl")
    assert with_demanded(["pandas==1.0"]) == ("pandas>=2", *urls)


@pytest.mark.parametrize("package", ["", "--index-url=x", "-r other.txt", "\n"])
def test_what_is_no_package_is_refused(package):
    with pytest.raises(Invalid, match="neither a package nor a file"):
        demand(package)
