"""What scripts/bench.py measures, one module a question. Its rule: everything that is compared is
measured in one run, in turns, on the same bytes; medians and quartiles, never the best of.

workload.py    the requests and the answers; also for the peers, so it imports only what they have
stores.py      stores of any size, written fast
samples.py     quartiles, rows and the table
worker.py      fresh processes, and what they send back
hits.py        a hit against FLOOR and MockTransport, bodies, clients, sizes of stores
peers.py       the same through pycachy, vcrpy, hishel, requests-cache and diskcache
recording.py   what recording adds to a live call
startup.py     import, enable, the first hit, memory
commands.py    `cachy ls`, `stats`, `fsck`, `gc`
disk.py        bytes on disk and in git
sdk.py         a hit as the user of an SDK sees it
event_loop.py  how long an event loop is held up
clients.py     a hit through requests, urllib3, aiohttp, boto3
large.py       large requests and answers
remote.py      a remote, by the time of a round trip
plot.py        hit time against entries
"""
