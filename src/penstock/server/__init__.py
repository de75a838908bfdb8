"""The service behind HTTP, for many machines: the only code of the package that is asynchronous.

It takes requests apart, has the service carry them out in threads, and puts answers together. It must never know what
an operation does; it never loads what users stored, and never imports their code.
"""
