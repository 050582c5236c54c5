-- Wrong installer codes (I3): JSON, times in milliseconds of the box's own time, which `meta` keeps.
CREATE TABLE tries (
    panel  TEXT NOT NULL,
    source TEXT NOT NULL, -- who tried; `*` for all together, `panel` for what reached the panel itself
    tries  TEXT NOT NULL,
    PRIMARY KEY (panel, source)
) STRICT, WITHOUT ROWID;
