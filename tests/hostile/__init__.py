"""What strangers can put in i2i's way: links, bombs, names that lead elsewhere, code that fails."""
