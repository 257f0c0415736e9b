"""Pure rules: specs, expressions, matching, decisions. No I/O, no clock, no environment."""
