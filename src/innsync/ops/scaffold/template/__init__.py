"""New Channel: its manifest says what it can do, NOTES.md what is known of the vendor."""
