"""A vocoder for voxstack that needs the mel spectrum alone, 16 kHz. Data only: the host reads its files."""
