"""Results to take along; a file is made when its button is pressed."""

import numpy as np
import pandas as pd
import streamlit as st

from analysis.export import heat_hdul, history_csv, masks_hdul, to_bytes
from analysis.pil import PilMasks
from hnn_core.magnetogram import Magnetogram
from hnn_core.prediction import Prediction
from hnn_core.preprocess import CropBox
from pages._selectors import Selection

__all__ = ["show_downloads"]


def show_downloads(
    selection: Selection,
    hour: str,
    frame: Magnetogram,
    masks: PilMasks,
    history: pd.DataFrame,
    heat: np.ndarray | None,
    box: CropBox,
    prediction: Prediction | None,
) -> None:
    """Draw a button for each file."""
    model = selection.model
    stem = f"{selection.region.id}_{hour}".replace(" ", "").replace(":", "")

    def csv() -> str:
        return history_csv(history)

    def masks_fits() -> bytes:
        return to_bytes(masks_hdul(frame, masks))

    def heat_fits() -> bytes:
        assert heat is not None  # its button is off without a map
        return to_bytes(
            heat_hdul(
                frame,
                heat,
                model=model.name,
                sha256=model.sha256,
                flare_class=model.flare_class,
                probability=None if prediction is None else prediction.probability,
                box=box,
            )
        )

    st.markdown("### Take it with you")
    with st.container(horizontal=True):
        for label, make, name, mime, missing in (
            ("Flux histories, CSV", csv, f"{stem}_flux.csv", "text/csv", False),
            ("Masks, FITS", masks_fits, f"{stem}_masks.fits", "application/fits", False),
            ("Heat map, FITS", heat_fits, f"{stem}_heat.fits", "application/fits", heat is None),
        ):
            st.download_button(
                label,
                make,
                name,
                mime,
                key=f"download_{name.rsplit('_', 1)[-1]}",
                icon=":material/download:",
                on_click="ignore",
                disabled=missing,
            )
    st.caption(
        "PNG: the camera on each figure. FITS files carry the patch's coordinates; the address "
        "of this page brings back this view."
    )
