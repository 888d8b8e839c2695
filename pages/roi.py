"""Does omnichannel pay for itself?"""

from dashboard import cards, charts, frame, tables

page = frame.require("roi")
cards.show(page)
charts.show(page)
tables.show(page)
