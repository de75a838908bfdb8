"""A test kit for pipelines: a home to throw away, steps that run in the test's own process, fakes, and the graph.

plugin    the fixture `penstock`, which pytest finds by itself where Penstock is installed
runner    what that fixture gives: runs pipelines, fakes steps
inline    carries the attempts of steps out in this process
results   what a test looks at when a run has ended
"""
