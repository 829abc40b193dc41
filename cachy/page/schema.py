"""The tables of the index. VERSION changes with them: an index of another is made anew."""

from __future__ import annotations

VERSION = 2

TABLES = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,     -- grows with the time of recording, so that lists need no sorting
    name TEXT NOT NULL UNIQUE, key TEXT NOT NULL, second INTEGER NOT NULL, day TEXT NOT NULL,
    method TEXT, url TEXT, host TEXT, model TEXT, status INTEGER, stream TEXT, client TEXT,
    ms REAL, bytes INTEGER, input INTEGER, output INTEGER, cost REAL, prompt TEXT,
    private INTEGER, older INTEGER NOT NULL DEFAULT 0, users INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX entries_by_key ON entries (key, name);
CREATE VIRTUAL TABLE words USING fts5(text, about, tokenize="unicode61 remove_diacritics 2");
CREATE TABLE flaws (name TEXT PRIMARY KEY, path TEXT, what TEXT);
CREATE TABLE shards (shard TEXT PRIMARY KEY, state TEXT);
CREATE TABLE users (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);  -- a list, as JSON
CREATE TABLE uses (key TEXT PRIMARY KEY, users INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sums (
    model TEXT, host TEXT, day TEXT, private INTEGER, older INTEGER, users INTEGER,
    entries INTEGER, input INTEGER, output INTEGER, cost REAL, priced INTEGER, ms REAL,
    bytes INTEGER
);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT);
INSERT INTO users (id, names) VALUES (0, '[]');
"""

COLUMNS = (
    "id", "name", "key", "second", "day", "method", "url", "host", "model", "status", "stream",
    "client", "ms", "bytes", "input", "output", "cost", "prompt", "private",
)  # fmt: skip
"""What is known of an entry from its file alone."""

DIMENSIONS = "model, host, day, private, older, users"
MEASURES = (
    "count(*) AS entries, sum(input) AS input, sum(output) AS output, total(cost) AS cost, "
    "count(cost) AS priced, total(ms) AS ms, sum(bytes) AS bytes"
)
