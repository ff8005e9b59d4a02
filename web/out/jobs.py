"""The jobs of this folder by name, and which of them the clock calls."""

from web.out import printers, webhooks
from wms.floor.service.printing import SEND

TASKS = {SEND: printers.send, webhooks.TAIL: webhooks.tail, webhooks.SEND: webhooks.send}
EVERY = {webhooks.TAIL: "* * * * *"}
