"""The least that a Streamlit page with a magnetogram can be: one bare plotly heat map a click.

The peer of `bench_page.py`; run by it with ``streamlit run``.
"""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

ROWS, COLS = 377, 744


def step() -> None:
    st.session_state["hour"] += 1


hour = st.session_state.setdefault("hour", 0)
st.button("One hour ahead", key="hour_ahead", on_click=step)
field = np.random.default_rng(hour).normal(0.0, 300.0, (ROWS, COLS)).astype(np.int16)
with st.container(key="magnetogram"):
    st.plotly_chart(go.Figure(go.Heatmap(z=field, colorscale="gray")), theme=None)
st.html(f'<div class="answer"><div class="number">{hour}</div></div>')
