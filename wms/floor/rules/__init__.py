"""Pure decisions of the floor: what a scan means next, what differs from a notice, where goods may go."""
