"""A source-filter vocoder for voxstack: mel spectrum and F0 to 16 kHz audio. Data only: the host reads its files."""
