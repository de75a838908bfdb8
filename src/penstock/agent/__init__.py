"""The agent: claims tasks from queues and has each carried out by a process of its own, the shim."""
