"""A legacy attention voice for voxstack: US English, four speakers, 16 kHz. Data only: the host reads its files."""
