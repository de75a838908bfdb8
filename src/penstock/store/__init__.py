"""Where everything is kept: the only place with SQL.

    dialect       what SQLite and PostgreSQL say differently: a handful of words
    sql           running statements within one transaction, and what rows are made of
    tasks, runs, outputs, models, reports, changes     the repositories of `penstock.ports`, a noun a file
    transaction   all repositories over one transaction
    patience      waiting for what another process holds
    migrate       numbered migrations, and what is refused
    connections   a SQLite connection a thread, and none across a fork
    files         the database's files: permissions, unsuitable disks, what went wrong with them
    waiter        waiting for somebody to change something
    sqlite        the store on one SQLite file
    postgres      the store on one PostgreSQL database
    opening       one of the two, as the settings name it

Nothing here decides anything about tasks or runs: it keeps what the service tells it, and its guards refuse the rest.
"""
