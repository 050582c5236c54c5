-- Requests of cloud operators, kept for seven days so that a repeated one gets the same answer.
CREATE TABLE request (
    id          BLOB PRIMARY KEY,
    at          INTEGER NOT NULL, -- seconds since 1970, by the latest time that is known
    fingerprint BLOB NOT NULL,    -- of token and action: another request under the same id is not this one
    answer      BLOB              -- sealed JSON, because it may hold a secret that is shown once; none while it is done
) STRICT, WITHOUT ROWID;

CREATE INDEX request_by_time ON request (at);
CREATE INDEX request_open ON request (at) WHERE answer IS NULL;

-- Who waits for the answer of an open request: one row for each time that it was asked.
CREATE TABLE request_reply (
    request     BLOB NOT NULL,
    topic       TEXT,
    correlation BLOB
) STRICT;

CREATE INDEX request_reply_by_request ON request_reply (request);

-- Tokens that were used, until they have expired.
CREATE TABLE token_used (
    jti TEXT PRIMARY KEY,
    exp INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX token_used_by_end ON token_used (exp);

-- The keys that took the place of those of the configuration, on these keys' own word.
CREATE TABLE token_keys (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    file      BLOB NOT NULL,    -- hash of the file whose place they took: another file counts again
    keys      TEXT NOT NULL,    -- JWKS
    issued_at INTEGER NOT NULL
) STRICT;

-- The cloud's directory: its last accepted document, entry by entry, with what became of each.
CREATE TABLE directory_entry (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    entry   TEXT NOT NULL, -- JSON; codes in it are sealed to the box
    outcome TEXT NOT NULL, -- JSON
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
