-- The queue or the agent that a change is about: who waits for that is woken by it, and nobody else.
ALTER TABLE changes ADD COLUMN place TEXT NOT NULL DEFAULT '';
