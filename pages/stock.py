"""What does our stock earn, where does it run out, and what leaves it unsold?"""

from dashboard import cards, charts, frame, tables

page = frame.require("stock")
cards.show(page)
charts.show(page)
tables.show(page)
