"""Inspect and maintain a store: the functions behind the commands. They return reports and print
nothing.

    index.py        the contents of a store: one row for each entry
    find.py         find one entry by key or file; the filters of `ls`
    transcript.py   an entry, shown as a chat
    stats.py        what a store holds and saves
    status.py       what is new, private, superseded or unused
    history.py      the commits that added or removed the recordings of a key
    git.py          what cachy asks of git
    check.py        fsck checks a store on disk, check what git has of it
    diff.py         how two revisions of a store differ
    gc.py           which files are not needed, and why
    trash.py        where gc and fsck move files to, and undo
    init.py         set a repository up for a store
    hook.py         how git calls cachy: the pre-commit hook, and the text of entries
    run.py          run a command, and note what it used
"""
