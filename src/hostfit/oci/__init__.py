"""What OCI runtimes and engines hand over: bundle, state, argv, references, digests."""
