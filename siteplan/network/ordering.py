"""Rows put in order by whole numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["least_rows", "ordered"]

Ints = npt.NDArray[np.signedinteger[Any]]
BITS = 63  # of a number that is not negative


def ordered(*columns: Ints) -> npt.NDArray[np.int64]:
    """Return the order of rows by columns of whole numbers, the first before the second; equal rows stay as they are.

    As `np.lexsort(columns[::-1])`, but where the columns and the number of the row go into one number of 64 bits these
    are sorted themselves, which takes a tenth of the time.

    Examples
    --------
    >>> ordered(np.array([2, 1, 1]), np.array([0, 7, 5])).tolist()
    [2, 1, 0]
    """
    count = len(columns[0])
    if not count:
        return np.zeros(0, np.int64)
    least = [int(column.min()) for column in columns]
    widths = [(int(column.max()) - low).bit_length() for column, low in zip(columns, least, strict=True)]
    width = (count - 1).bit_length()
    if sum(widths) + width > BITS:
        return np.lexsort(columns[::-1])
    key = np.zeros(count, np.int64)
    for column, low, bits in zip(columns, least, widths, strict=True):
        key <<= bits
        key |= column - np.int64(low)
    key <<= width
    key |= np.arange(count)
    key.sort()  # no two are alike; whole numbers of 64 bits are sorted many at once, which no stable sort of NumPy does
    key &= (1 << width) - 1
    return key


def least_rows(first: Ints, second: Ints, value: Ints) -> npt.NDArray[np.int64]:
    """Return for each pair of numbers the row with the least value, by the first and then by the second number.

    Examples
    --------
    >>> least_rows(np.array([2, 1, 1]), np.array([0, 5, 5]), np.array([9, 7, 6])).tolist()
    [2, 0]
    """
    order = ordered(first, second, value)
    differs = np.ones(len(order), bool)
    for column in (first, second):
        differs[1:] &= np.diff(column[order]) == 0
    differs[1:] = ~differs[1:]
    return order[differs]
