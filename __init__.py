"""Quorate: mining and validation on diverse hardware."""
