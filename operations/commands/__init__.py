"""The commands, one a file: its name is the command's, and so is that of the function in it."""
