"""A stand-in for the vendor APIs, over HTTP, deterministic, with faults on request."""
