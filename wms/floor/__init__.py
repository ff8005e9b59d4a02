"""The warehouse floor: what is announced, received, scanned and put away."""
