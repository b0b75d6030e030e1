"""The vendor's words to ours and back; pure."""
