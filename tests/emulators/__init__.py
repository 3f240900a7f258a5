"""Stand-ins for the outside services on loopback, as those really behave: faults and all.

`emulated(small_world())` starts them; by hand, ``make emulators``.
"""

from tests.emulators.server import Emulator, emulated
from tests.emulators.small_world import real_world, small_world
from tests.emulators.world import World

__all__ = ["Emulator", "World", "emulated", "real_world", "small_world"]
