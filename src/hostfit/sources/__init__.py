"""Where a compatibility spec comes from: bundle, local image stores, the spec store."""
