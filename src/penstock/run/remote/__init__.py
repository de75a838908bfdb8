"""Reading and writing what a URL names: files of this machine, http(s), and object storage; and a cache of copies.

`urls` takes a URL apart, `transport` says what every kind of place can do, `places` finds the one for a URL, and
`cache` keeps what was fetched. None of these knows users' classes, or where the state directory is.
"""
