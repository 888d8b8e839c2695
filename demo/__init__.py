"""The demonstration retailer: writes two years of exports as the systems of an omnichannel retailer would."""

from demo.world import SIZES, Size
from demo.writing import Written, write

__all__ = ["SIZES", "Size", "Written", "write"]
