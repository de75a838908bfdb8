-- The definition of a step that a run got while it went on; those that a run begins with stand in its own definition.
ALTER TABLE steps ADD COLUMN definition TEXT;
