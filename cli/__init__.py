"""What a person sees: Typer commands, one file a command."""
