"""Whether the devices do what they say, and keep well while they do it."""
