"""Reports: what they freeze, how they are shown, sent and verified."""
