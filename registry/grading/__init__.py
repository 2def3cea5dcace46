"""Classification and grading decided by people, the important-data catalogue, the records behind consents."""
