"""The values of parameters that are secrets, apart from the parameters: those have the seals.

Only `opened` gives values out. They lie here as they are, so whoever reads the database file reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from secrets import token_hex

from msgspec.structs import replace

from penstock.core.errors import BadParameter
from penstock.core.secret import SECRET, Secret, is_masked, is_seal, seal
from penstock.core.task import Parameter
from penstock.store.sql import Session, text_of_values, values_of_text


class SqlSecrets:
    """The secrets of tasks, and of runs, whose steps have none of their own."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seal(self, text: str) -> str:
        """Return the seal of a secret: the same one for the same secret, in all of this store.

        While no secret is kept, there is no key yet, and it is one that no other seal is equal to.
        """
        return seal(text, self._key() or token_hex())

    def sealed(self, task: str, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Keep the secrets among these parameters of a task, and return all with seals in the place of secrets.

        Raises:
            BadParameter: A mask stands where no secret is kept.
        """
        return [self._sealed(task, one) if one.type == SECRET else one for one in parameters]

    def opened(self, task: str, seals: Collection[str] | None = None) -> dict[str, Secret]:
        """Return the secrets of a task by their seals: all, or those of these seals."""
        rows = self._session.rows("SELECT seal, value FROM secrets WHERE task = ?", task)
        return {made: Secret(str(values_of_text(value))) for made, value in rows if seals is None or made in seals}

    def has_any(self, task: str) -> bool:
        """Return whether a task has secrets."""
        return self._session.first("SELECT 1 FROM secrets WHERE task = ?", task) is not None

    def copy(self, source: str, target: str, seals: Collection[str]) -> None:
        """Give a task those of the secrets of another one that these seals stand for."""
        rows = self._session.rows("SELECT section, name, seal, value FROM secrets WHERE task = ?", source)
        for section, name, found, value in rows:
            if found in seals:
                self._keep(target, section, name, found, str(values_of_text(value)))

    def remove(self, task: str, parameters: Sequence[Parameter] | None = None) -> None:
        """Remove all secrets of a task, or those of these parameters."""
        if parameters is None:
            self._session.run("DELETE FROM secrets WHERE task = ?", task)
            return
        sql = "DELETE FROM secrets WHERE task = ? AND section = ? AND name = ?"
        self._session.run_many(sql, [(task, one.section, one.name) for one in parameters])

    def _sealed(self, task: str, one: Parameter) -> Parameter:
        if not one.value:
            self.remove(task, [one])
            return replace(one, value=None)
        if is_seal(one.value):
            return one
        if is_masked(one.value):
            return replace(one, value=self._kept(task, one))
        text = str(one.value)
        made = seal(text, self._key() or self._made_key())
        self._keep(task, one.section, one.name, made, text)
        return replace(one, value=made)

    def _key(self) -> str | None:
        row = self._session.first("SELECT value FROM seal_keys WHERE number = 1")
        return None if row is None else str(row[0])

    def _made_key(self) -> str:
        self._session.run(
            "INSERT INTO seal_keys (number, value) VALUES (1, ?) ON CONFLICT (number) DO NOTHING", token_hex()
        )
        found = self._key()
        assert found is not None  # noqa: S101 - it was made just now
        return found

    def _kept(self, task: str, one: Parameter) -> str:
        """Return the seal that stands for what is kept already."""
        sql = "SELECT seal FROM secrets WHERE task = ? AND section = ? AND name = ?"
        row = self._session.first(sql, task, one.section, one.name)
        if row is None:
            hint = "give the secret itself, or leave it out"
            raise BadParameter(f"a mask was given for {one.name!r}, of which no secret is kept", hint=hint)
        return str(row[0])

    def _keep(self, task: str, section: str, name: str, made: str, value: str) -> None:
        self._session.run(
            """INSERT INTO secrets (task, section, name, seal, value) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (task, section, name) DO UPDATE SET seal = excluded.seal, value = excluded.value""",
            *(task, section, name, made, text_of_values(value)),
        )
