"""What does our stock earn, where does it run out, and what leaves it unsold?"""

from dashboard import cards, charts, frame, tables

page = frame.require("stock")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
