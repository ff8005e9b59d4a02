"""The jobs of this folder by name."""

from web.out import printers
from wms.floor.service.printing import SEND

TASKS = {SEND: printers.send}
