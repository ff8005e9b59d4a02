"""From a plan to the work that it means: reports, booking requests, stock and floor work, papers for customs."""
