"""What every room stands on: a closed list of small files that import no room."""
