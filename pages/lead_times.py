"""How long do customers wait for what they ordered?"""

from dashboard import cards, charts, frame, tables

page = frame.require("lead_times")
shown = cards.show(page)
charts.show(page)
cards.compare(page, shown)
tables.show(page)
