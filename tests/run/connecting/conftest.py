"""A section of a task's parameters, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from penstock.core.task import Parameter


@dataclass
class MemorySection:
    assigned: bool = False
    name: str = "General"
    kept: dict[str, Parameter] = field(default_factory=dict)

    def stored(self):
        return dict(self.kept)

    def store(self, parameters):
        for one in parameters:
            assert one.section == self.name
            self.kept[one.name] = one

    def values(self):
        return {name: one.value for name, one in self.kept.items()}

    def types(self):
        return {name: one.type for name, one in self.kept.items()}

    def again(self, changes=()):
        """The same task, carried out; what changed is given as it is, in the type that the parameter had."""
        kept = dict(self.kept)
        for name, value in dict(changes).items():
            type_ = kept[name].type if name in kept else ""
            description = kept[name].description if name in kept else ""
            kept[name] = Parameter(section=self.name, name=name, value=value, type=type_, description=description)
        return MemorySection(assigned=True, name=self.name, kept=kept)


@pytest.fixture
def section():
    """A task that is being recorded."""
    return MemorySection()


@pytest.fixture(scope="session")
def sections():
    """What makes further ones."""
    return MemorySection
