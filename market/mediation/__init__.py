"""What a broker does for its clients: matching, deals, its reward."""
