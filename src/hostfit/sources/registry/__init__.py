"""A client for OCI registries (distribution-spec 1.1), for the commands and whoever fetches; never on the hot path.

`access.Access` opens a `repository.Repository`; that resolves, fetches and lists, `artifacts` reads what is attached,
and `attach` writes. `transport` is the one file that knows requests.
"""
