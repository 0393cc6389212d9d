"""What makes a log more than its owner's word: witnesses, calendars, and anchors in Bitcoin."""
