"""`Dataset` as users meet it, put together from its sides: one file for each.

record     what it is: id, name, version, tags, what is kept with it
finding    how data sets begin and are found again
changing   adding, removing and listing files, uploading, finalizing
copies     its files on this machine, and whether they are what was recorded
records    how all that is recorded
"""

from __future__ import annotations

from penstock.sdk.absent import NotDataset
from penstock.sdk.dataset.changing import Changeable
from penstock.sdk.dataset.copies import Copies
from penstock.sdk.dataset.finding import Findable

__all__ = ["Dataset"]


class Dataset(Findable, Changeable, Copies, NotDataset):
    """One version of a set of files: made with `Dataset.create`, found with `Dataset.get`.

    A content is stored once, by its SHA-256, however many files, versions and data sets have it.
    """
