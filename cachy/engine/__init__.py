"""One call, from request to answer: lookup, single flight, recording."""
