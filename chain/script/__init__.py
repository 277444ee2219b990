"""Script, the contract language: `verify.verify_script` says whether an input may spend an output."""
