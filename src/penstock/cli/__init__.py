"""The command line: one file a command, which loads what it needs when it is called.

    main          the group, exit codes, what becomes of errors
    invocation    what every command has: the backend, `RUN`, `--json`
    document      JSON on standard output
    terminal      tables and colours, by Rich
    script        a script as Python itself would run it
    run, runs, show, logs, graph, artifacts, metrics, abort, remove, doctor     the commands
    layout, boxes, outline, svg, mermaid, palette     graphs as text and as pictures

A command asks the backend and writes down what it answers; it decides nothing about runs.
"""
