"""Where the bytes of artifacts and models lie: stores that keep a blob under the SHA-256 of its content.

A blob store knows hashes and bytes. It must never know tasks, names or formats, and it never interprets what it keeps.
"""
