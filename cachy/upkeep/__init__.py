"""What tends a store: the functions behind the commands. They return reports and print nothing.

transcript.py   an entry, read as a chat
index.py        what is in a store: one row an entry
find.py         a key, a prefix or a file to one entry; the filters of `ls`
stats.py        what a store holds and saves
check.py        is every file what it should be? fsck and check
collect.py      gc, its trash, and its undo
compare.py      what two revisions of a store differ in
setup.py        what a team sets up once: init
git.py          what is asked of git
units.py        ages and sizes, read and written
"""
