"""Carrying out: what turns a planned step into a process that runs, is watched, and ends."""
