"""What is asked of a net: how it is called, what is made small, what is counted beside it, how it is scored."""
