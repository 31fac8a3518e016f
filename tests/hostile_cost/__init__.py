"""What a hostile request costs at most: 0.5 s of CPU and 50 MB, whoever sends it (issue 4)."""
