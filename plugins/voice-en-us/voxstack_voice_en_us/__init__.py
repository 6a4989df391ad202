"""The default voice of voxstack: US English, four speakers, 16 kHz. Data only: the host reads its files."""
