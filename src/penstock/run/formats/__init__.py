"""Formats: how the value of an artifact becomes bytes and comes back as it was.

    json     None, bool, int, float, and lists and dicts of them with str         plain
    text     str                                                                  plain
    bytes    bytes, bytearray                                                     plain
    npy      NumPy arrays and scalars                                             arrays
    arrow    pandas, polars and pyarrow tables                                    pandas_*, polars_frames, arrow_tables
    png      Pillow images                                                        images
    file     a path to a file                                                     paths
    folder   a path to a folder                                                   paths, archive
    pickle   everything else                                                      pickles
    custom   what the user's own function makes of a value                        pickles

The exact type of a value decides, in `choice`. A format that finds that it would not give back an equal value of the
same type says so, and the value is pickled; the artifact's metadata then says why. Libraries are imported only for
values that come from them. Nothing here may know tasks, stores or runs.
"""

from __future__ import annotations

from penstock.run.formats.choice import dump, dump_custom, load, load_custom
from penstock.run.formats.stored import Stored

__all__ = ["Stored", "dump", "dump_custom", "load", "load_custom"]
