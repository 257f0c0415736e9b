"""What engines call: the OCI runtime wrapper and the createRuntime hook."""
