"""How is the business doing, and what moved?"""

from dashboard import cards, charts, frame

page = frame.require("overview")
shown = cards.show(page, most=10)
charts.show(page)
cards.compare(page, shown)
