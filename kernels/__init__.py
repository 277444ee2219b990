"""What runs on the hardware: batched proof of work, a backend a file, and quorums of them."""
