"""The store on a PostgreSQL database, which any number of machines may share.

    address      the URL: checked, and shown without its password
    adaptation   how our values travel: texts with any character, whole numbers, bytes
    faults       what went wrong, as an error that says what to do
    connections  a pool of connections, and none across a fork
    migrate      the numbered migrations, each in one transaction
    waiter       one connection that listens for changes
    store        the store itself

Only `penstock.store.opening` imports any of this, and only for a PostgreSQL URL: importing the driver takes 0.1 s. How
transactions of several writers are kept apart stands in docs/adr/0016.
"""
