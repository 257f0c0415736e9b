"""What this host, or a recorded one, has: the vocabulary, one probe per facility, snapshots."""
