"""The way to customs: what was queued goes out at least once and provably, what comes in is taken exactly once."""
