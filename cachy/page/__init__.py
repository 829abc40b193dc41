"""A page to look at a store: `cachy ui`, and the same page in one file: `cachy report --html`.

    catalog.py   an SQLite index of the store: rows, their text, sums; derived, brought up to date
    schema.py    its tables
    queries.py   what the list shows: rows, facets, sums, costs
    view.py      one entry as the page shows it: chat, events, head, body
    media.py     images and sound, told by their first bytes
    timeline.py  when the events of a stream came
    changes.py   two recordings compared, and what a branch changes
    misses.py    what was not in the store, and why
    guard.py     who may ask the server
    server.py    the server: starlette and uvicorn, the extra `ui`
    assets.py    the files of the page, and the page in one file
    report.py    a report: the page with its data in it

What entries hold is never trusted: the page shows it as text, whatever it says it is.
"""
