"""A number drawn into a picture, for machines to read: a row of 40 black and white cells at the top left.

The row survives lossy coding and scaling, so a test can read a decoded picture, e.g. from a browser's canvas, and tell
which frame it sees or how old it is.

Cells from left to right, white is 1:

    0-1     guard: white, black
    2-33    the number, 32 bits, most significant first
    34-37   check: exclusive or of the number's eight 4-bit groups, most significant bit first
    38-39   guard: black, white

A cell is a square of `cell_size(width)` pixels. To read: take the luma at the centre of each cell, above 128 is 1; the
picture holds no readable number if a guard or the check is wrong.
"""

CELLS = 40
BLACK, WHITE, GREY = 16, 235, 128


def cell_size(width):
    """Side of a cell in pixels, for a picture of that width; even, because chroma has half the resolution."""
    return width // CELLS // 2 * 2


def cells(number):
    """The 40 cells of a number (taken modulo 2^32), as a list of 0 and 1."""
    number %= 1 << 32
    check = 0
    for shift in range(0, 32, 4):
        check ^= number >> shift & 15
    bits = [number >> shift & 1 for shift in range(31, -1, -1)]
    check_bits = [check >> shift & 1 for shift in range(3, -1, -1)]
    return [1, 0, *bits, *check_bits, 0, 1]


def luma(number):
    """The cells as 40 luma samples."""
    return bytes(WHITE if cell else BLACK for cell in cells(number))


def read(samples):
    """The number in 40 luma samples, or None where there is none."""
    bits = [int(sample > 128) for sample in samples]
    number = int("".join(map(str, bits[2:34])), 2)
    return number if bits == cells(number) else None
