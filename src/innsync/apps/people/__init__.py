"""An organization's people, invitations and keys, as its administrators manage them; every change stands in the stream."""
