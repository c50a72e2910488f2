"""Tables of one's own: accounts and rounds as CSV or frames."""
