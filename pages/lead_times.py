"""How long do customers wait for what they ordered?"""

from dashboard import cards, charts, frame, tables

page = frame.require("lead_times")
cards.show(page)
charts.show(page)
tables.show(page)
