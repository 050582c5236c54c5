ALTER TABLE reported_user ADD COLUMN tag INTEGER; -- 1: has a proximity tag, 0: has none, NULL: not known
