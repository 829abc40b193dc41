"""A store that a fleet shares: a bucket, Redis, a web server or a folder, behind `.cachy`.

    address.py    from `s3://bucket/prefix` and the like to an `Address`, or a ConfigError
    objects.py    what an object holds: the name of an entry, then its file
    signatures.py who recorded it, where that is demanded
    engine.py     the few verbs of an engine, and what it raises
    opening.py    opens the engine of an address; its library is imported here, never before
    folder.py  redis.py  buckets.py  signed.py  web.py    the engines
    complaints.py  what they complain of, in a few words
    credentials.py    which credentials a bucket is opened with
    workers.py    daemon threads: nobody waits for an engine longer than it wants to
    breaker.py    leaves a remote alone that does not answer
    fetched.py    what was fetched, in `local/fetched/`
    uploads.py    what is to be pushed, behind a bounded queue
    tier.py       `Remote`: fetch, push

Nothing here knows of HTTP requests to models, or is imported before a request misses in a session
that has a remote.
"""
