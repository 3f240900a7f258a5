"""Films of a region: a picture of each hour, files of them, and a figure that plays."""

from analysis.figures_film import animation_figure
from analysis.film_files import animation_gif, frames_zip
from analysis.film_pictures import frame_picture

__all__ = ["animation_figure", "animation_gif", "frame_picture", "frames_zip"]
