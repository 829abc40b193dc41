"""Recordings in other tools' formats: files in, interactions out, and the other way round.

    read(path) ──▶ Interaction | Unclear …      vcr.py, har.py, lines.py
    write(interactions) ──▶ text                the same
    Answers(path)                               pycachy.py: answers that know no request

What is read is text from anywhere: nothing in it is run, and memory is bounded by its largest
interaction, not by the file. Nothing here knows a store.
"""
