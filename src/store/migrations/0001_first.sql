-- Words (kinds, roles, modes) are the stable names of the payloads; times are milliseconds since 1970.

-- What the box keeps for itself: its boot counter, the canary, the floor of the sequence.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE panel (
    panel            TEXT PRIMARY KEY,
    installer_mode   INTEGER NOT NULL DEFAULT 0,
    residue          TEXT,
    desired_version  INTEGER NOT NULL DEFAULT 0,
    reported_version INTEGER NOT NULL DEFAULT 0,
    cloud_version    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE partition_state (
    panel     TEXT NOT NULL,
    partition INTEGER NOT NULL,
    arm       TEXT NOT NULL,
    ready     TEXT NOT NULL,
    alarm     INTEGER NOT NULL,
    busy      INTEGER NOT NULL,
    chime     INTEGER NOT NULL,
    last_user INTEGER,
    label     TEXT,
    PRIMARY KEY (panel, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_state (
    panel    TEXT NOT NULL,
    zone     INTEGER NOT NULL,
    open     INTEGER NOT NULL,
    alarm    INTEGER NOT NULL,
    tamper   INTEGER NOT NULL,
    bypassed INTEGER NOT NULL,
    label    TEXT,
    PRIMARY KEY (panel, zone)
) STRICT, WITHOUT ROWID;

CREATE TABLE lock_state (
    panel TEXT NOT NULL,
    lock  INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (panel, lock)
) STRICT, WITHOUT ROWID;

CREATE TABLE trouble (
    panel   TEXT NOT NULL,
    trouble TEXT NOT NULL, -- JSON
    PRIMARY KEY (panel, trouble)
) STRICT, WITHOUT ROWID;

CREATE TABLE reported_user (
    panel               TEXT NOT NULL,
    slot                INTEGER NOT NULL,
    code_state          TEXT NOT NULL,
    code_evidence       TEXT NOT NULL,
    code_at             INTEGER NOT NULL,
    code_hash           BLOB,
    code                BLOB, -- sealed
    label               TEXT,
    label_evidence      TEXT,
    label_at            INTEGER,
    role                TEXT,
    role_evidence       TEXT,
    role_at             INTEGER,
    partitions          TEXT,
    partitions_evidence TEXT,
    partitions_at       INTEGER,
    stale               INTEGER NOT NULL,
    PRIMARY KEY (panel, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE desired_user (
    panel      TEXT NOT NULL,
    slot       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    present    INTEGER NOT NULL,
    code       BLOB, -- sealed
    code_hash  BLOB,
    label      TEXT,
    role       TEXT,
    partitions TEXT,
    PRIMARY KEY (panel, slot)
) STRICT, WITHOUT ROWID;

-- How wished values stand.
CREATE TABLE answer (
    panel     TEXT NOT NULL,
    slot      INTEGER NOT NULL,
    field     TEXT NOT NULL,
    version   INTEGER NOT NULL,
    condition TEXT NOT NULL, -- JSON
    PRIMARY KEY (panel, slot, field)
) STRICT, WITHOUT ROWID;

-- What the box needs to be let in by a panel.
CREATE TABLE secret (
    panel TEXT NOT NULL,
    name  TEXT NOT NULL,
    value BLOB NOT NULL, -- sealed
    PRIMARY KEY (panel, name)
) STRICT, WITHOUT ROWID;

-- One sequence numbers events, log lines, deltas and gaps.
CREATE TABLE event (
    seq       INTEGER PRIMARY KEY,
    id        BLOB NOT NULL,
    panel     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    replay    INTEGER NOT NULL,
    partition INTEGER,
    zone      INTEGER,
    slot      INTEGER,
    lock      INTEGER,
    output    INTEGER,
    mode      TEXT,
    trouble   TEXT, -- JSON
    text      TEXT
) STRICT;

CREATE INDEX event_by_panel ON event (panel); -- and seq, as every index

CREATE TABLE log (
    seq    INTEGER PRIMARY KEY,
    id     BLOB NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    role   TEXT NOT NULL,
    door   TEXT NOT NULL,
    action TEXT NOT NULL,
    panel  TEXT,
    slot   INTEGER,
    result TEXT NOT NULL,
    text   TEXT
) STRICT;

-- What the cloud has not acknowledged. Events and log lines are not copied: their rows have the same seq.
CREATE TABLE outbox (
    priority INTEGER NOT NULL, -- 0 alarm, 1 trouble, 2 state, 3 log
    seq      INTEGER NOT NULL,
    kind     INTEGER NOT NULL, -- 0 event, 1 log line, 2 delta, 3 gap
    size     INTEGER NOT NULL, -- bytes, roughly, with the event or log line
    panel    TEXT,             -- of a delta
    body     TEXT,             -- JSON of a delta or gap
    PRIMARY KEY (priority, seq)
) STRICT, WITHOUT ROWID;
