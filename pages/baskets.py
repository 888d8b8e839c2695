"""What do customers put in a basket, and at what price?"""

from dashboard import cards, charts, frame, tables

page = frame.require("baskets")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
