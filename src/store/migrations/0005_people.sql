-- Who works with the box: the `init` account of the first start, managers, installers.
CREATE TABLE person (
    name                TEXT NOT NULL PRIMARY KEY, -- e-mail, or `init`
    kind                TEXT NOT NULL,             -- init, manager, installer
    full_name           TEXT NOT NULL,
    phone               TEXT NOT NULL,
    role                TEXT NOT NULL,
    company             TEXT,
    created             INTEGER NOT NULL,
    last_login          INTEGER,
    suspended           INTEGER NOT NULL,
    may_update_software INTEGER NOT NULL,
    must_change         INTEGER NOT NULL, -- a new password before anything else
    password            TEXT,             -- hash; NULL: none yet, which is what `invited` means
    one_time            TEXT,             -- hash of the one-time password, and until when it may be used
    one_time_until      INTEGER,
    deleted             INTEGER           -- when; NULL: there
) STRICT, WITHOUT ROWID;

-- Panels that an installer may see and change (I4).
CREATE TABLE assignment (
    person TEXT NOT NULL,
    panel  TEXT NOT NULL,
    PRIMARY KEY (person, panel)
) STRICT, WITHOUT ROWID;

-- Invitations (I6): of the token only a hash.
CREATE TABLE invitation (
    token   BLOB NOT NULL PRIMARY KEY,
    person  TEXT NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER -- when
) STRICT, WITHOUT ROWID;

-- Accounts of the customer application (A7): the box's own, or those that the cloud's directory names.
CREATE TABLE account (
    email          TEXT NOT NULL PRIMARY KEY,
    created        INTEGER NOT NULL,
    suspended      INTEGER NOT NULL,
    password       TEXT, -- hash; NULL: not confirmed
    one_time       TEXT,
    one_time_until INTEGER,
    confirmed      INTEGER NOT NULL DEFAULT 0 -- the cloud says so, which keeps the password
) STRICT, WITHOUT ROWID;

CREATE TABLE account_link (
    panel   TEXT NOT NULL,
    slot    INTEGER NOT NULL,
    account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    PRIMARY KEY (panel, slot)
) STRICT, WITHOUT ROWID;

CREATE INDEX account_link_by_account ON account_link (account);

-- Wrong passwords in a row, by who tried and by whose they were to be.
CREATE TABLE login_try (
    who   TEXT NOT NULL PRIMARY KEY,
    wrong INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mail that waits for the server. The text holds links and one-time passwords.
CREATE TABLE mail (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: it is part of the seal
    recipient TEXT NOT NULL,
    subject   TEXT NOT NULL,
    body      BLOB NOT NULL, -- sealed
    tries     INTEGER NOT NULL,
    actor     TEXT NOT NULL, -- who caused it, for the action log
    role      TEXT NOT NULL,
    door      TEXT NOT NULL,
    action    TEXT NOT NULL
) STRICT;
