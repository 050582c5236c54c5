-- Each line of the action log is chained to the one before it: number from 1 without gaps, hash over the line before
-- and this one. Lines from before the chain have neither.
ALTER TABLE log ADD COLUMN number INTEGER;
ALTER TABLE log ADD COLUMN hash BLOB;
-- What the line is about beside panel and user: a zone, a person, a role.
ALTER TABLE log ADD COLUMN subject TEXT;
-- 1: the cloud never got it, because the outbox was full.
ALTER TABLE log ADD COLUMN unsent INTEGER;
CREATE INDEX log_unsent ON log (seq) WHERE unsent = 1;
