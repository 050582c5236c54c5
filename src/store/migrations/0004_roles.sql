-- Roles, companies, who takes part in them, changes that wait for somebody's decision, and what was deleted.
-- Words (permissions, states, kinds) are the stable names of the API; times are milliseconds since 1970.

CREATE TABLE role (
    name        TEXT PRIMARY KEY COLLATE NOCASE,
    permissions TEXT NOT NULL -- JSON list; empty for Super Admin, which always has all
) STRICT, WITHOUT ROWID;

CREATE TABLE company (
    id     TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    parent TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE participation (
    company TEXT NOT NULL,
    person  TEXT NOT NULL,
    role    TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (company, person)
) STRICT, WITHOUT ROWID;

-- Numbers are never given twice: people call requests by them.
CREATE TABLE change_request (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    asked_at    INTEGER NOT NULL,
    asker       TEXT NOT NULL,
    asker_uid   INTEGER,       -- the system user who asked, where one did
    asker_name  TEXT NOT NULL,
    asker_role  TEXT NOT NULL,
    door        TEXT NOT NULL,
    company     TEXT,          -- in whose name it was asked
    permissions TEXT NOT NULL, -- JSON list: what the asker might do
    action      TEXT NOT NULL,
    body        TEXT NOT NULL, -- JSON of the action
    state       TEXT NOT NULL,
    decided_at  INTEGER,
    decider     TEXT,
    refusal     TEXT
) STRICT;

CREATE TABLE deleted (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    body       TEXT NOT NULL, -- JSON of what it was
    deleted_at INTEGER NOT NULL,
    deleted_by TEXT NOT NULL,
    request    INTEGER
) STRICT;

-- The roles that every box begins with. What becomes of them is the box's own affair.
INSERT INTO role (name, permissions) VALUES
    ('Super Admin', '[]'),
    ('Company Admin',
     '["control_devices", "view_devices", "manage_devices", "delete_devices", "service_devices",
       "flash_device", "manage_snapshots", "view_users", "manage_users", "delete_users", "view_accounts",
       "manage_accounts", "view_installers", "manage_installers", "delete_installers", "change_installer_code",
       "view_roles", "manage_roles", "delete_roles", "view_companies", "manage_companies", "delete_companies",
       "manage_participation", "delete_participation", "manage_products", "view_action_log", "view_reports",
       "manage_reports", "view_monitoring", "view_requests", "decide_requests"]'),
    ('Operator',
     '["control_devices", "view_devices", "manage_devices", "service_devices", "manage_snapshots",
       "view_users", "manage_users", "delete_users", "view_accounts", "manage_accounts", "view_installers",
       "change_installer_code", "view_roles", "view_companies", "manage_products", "view_action_log",
       "view_reports", "manage_reports", "view_monitoring", "view_requests"]'),
    ('Installer',
     '["control_devices", "view_devices", "manage_devices", "service_devices", "manage_snapshots",
       "view_users", "manage_users", "delete_users", "view_accounts", "manage_accounts",
       "change_installer_code", "manage_products", "view_reports", "manage_reports", "view_monitoring"]'),
    ('End user',
     '["control_devices"]');
