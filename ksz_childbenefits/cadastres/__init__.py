"""Where the files are: one method behind a Protocol."""
