"""The jobs of this folder by name, and which of them the clock calls."""

from web.out import printers, recordings, webhooks
from web.out.customs import exchange as customs
from wms.floor.service.printing import SEND

TASKS = {
    SEND: printers.send,
    webhooks.TAIL: webhooks.tail,
    webhooks.SEND: webhooks.send,
    customs.EXCHANGE: customs.exchange,
    recordings.FETCH: recordings.fetch_clips,
    recordings.CHECK: recordings.check_recordings,
}
EVERY = {
    webhooks.TAIL: "* * * * *",
    customs.EXCHANGE: "* * * * *",
    recordings.FETCH: "* * * * *",
    recordings.CHECK: "*/15 * * * *",
}
