-- The site's equipment (S3): storage codes, product categories, product models.
CREATE TABLE register (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL, -- storage_code, category, model
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL, -- the name without capitals: what makes it unique
    category INTEGER REFERENCES register, -- of a model
    UNIQUE (kind, folded)
) STRICT;

-- A place is either a storage code or a panel with or without a zone. Numbers are never given again.
CREATE TABLE asset (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    model   INTEGER NOT NULL REFERENCES register,
    serial  TEXT NOT NULL,
    folded  TEXT NOT NULL,
    storage INTEGER REFERENCES register,
    panel   TEXT,
    zone    INTEGER,
    UNIQUE (model, folded),
    CHECK ((storage IS NULL) <> (panel IS NULL))
) STRICT;

-- Commissioning (S4). One walk test per panel: the last one.
CREATE TABLE walk_test (
    panel   TEXT PRIMARY KEY,
    started INTEGER NOT NULL,
    ends    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE walk_zone (
    panel  TEXT NOT NULL,
    zone   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    how    TEXT NOT NULL, -- opened, tampered, skipped
    reason TEXT,          -- of a skip
    actor  TEXT,          -- who skipped it
    PRIMARY KEY (panel, zone)
) STRICT, WITHOUT ROWID;

-- When the panel itself took the installer code, and a keyed hash of that code: it proves nothing of another one.
CREATE TABLE installer_proof (
    panel TEXT PRIMARY KEY,
    at    INTEGER NOT NULL,
    code  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The last signed report of each panel, byte for byte as the cloud gets it.
CREATE TABLE commissioning_report (
    panel  TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    report TEXT NOT NULL
) STRICT, WITHOUT ROWID;
