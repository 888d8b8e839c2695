import numpy, pandas, pyarrow  # noqa: E401, F401, I001 - many cold sessions at once race to import them

# The web door: `omnikpi serve`, or `streamlit run app.py`.
from dashboard import frame

frame.run()
