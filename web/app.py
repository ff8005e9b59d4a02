"""create_app(settings): the only place where everything is joined."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from apiflask import APIFlask
from flask import Blueprint, Flask

from web.api.openapi import describe
from web.api.problems import NO_PAGES, install_problems
from web.api.reading import install_reading
from web.assets import install_assets
from web.auth.guard import install_guard
from web.auth.login import install_login
from web.auth.policy import PUBLIC, declare, refuse_undeclared
from web.context import KEY, House
from web.databases import app_url
from web.formats import install_formats
from web.headers import install_headers
from web.i18n import install_languages
from web.navigation import install_navigation
from web.request_log import install_request_log
from web.words import install_words
from wms.customs import mail
from wms.db import Database
from wms.parties.private import give_keys, open_vault
from wms.settings import Settings

# Each module holds one blueprint `bp`; pages and resources appear in this order in navigation and documents.
MODULES = (
    "web.health",
    "web.live",
    "web.api.me",
    "web.api.openapi",
    "web.api.companies",
    "web.api.sites",
    "web.api.dated_values",
    "web.api.months",
    "web.api.stock",
    "web.api.track",
    "web.api.scans",
    "web.api.notices",
    "web.api.notices_files",
    "web.api.orders",
    "web.api.units",
    "web.api.packagings",
    "web.api.put_away",
    "web.api.quality",
    "web.api.waves",
    "web.api.moves",
    "web.api.picks",
    "web.api.substitutes",
    "web.api.counts",
    "web.api.adjustments",
    "web.api.cartons",
    "web.api.parcels",
    "web.api.loads",
    "web.api.returns",
    "web.api.processing",
    "web.api.replenishments",
    "web.api.destructions",
    "web.api.verification_lists",
    "web.api.customs_messages",
    "web.api.retail",
    "web.api.retail_flows",
    "web.api.parcel_notices",
    "web.api.account_books",
    "web.api.filings",
    "web.api.meat",
    "web.api.pick_ups",
    "web.api.transits",
    "web.api.gate_passes",
    "web.api.gates",
    "web.api.fence",
    "web.api.cameras",
    "web.api.gate_rules",
    "web.api.devices",
    "web.api.inspections",
    "web.api.device_health",
    "web.api.device_doors",
    "web.api.yard",
    "web.api.gate_exports",
    "web.api.consignments",
    "web.api.transfers",
    "web.api.supply",
    "web.api.temperatures",
    "web.api.plans",
    "web.api.plan_files",
    "web.api.replans",
    "web.api.curves",
    "web.api.emergency",
    "web.api.rounds",
    "web.api.trucks",
    "web.api.milestones",
    "web.api.hand_over",
    "web.api.imports",
    "web.api.exports",
    "web.api.tasks",
    "web.api.supervision",
    "web.api.billing",
    "web.api.found_goods",
    "web.api.setup",
    "web.api.webhooks",
    "web.api.labels",
    "web.api.papers",
    "web.api.printing",
    "web.pages.home",
    "web.pages.scan",
    "web.pages.desk",
    "web.pages.desk_orders",
    "web.pages.units",
    "web.pages.imports",
    "web.pages.paper",
    "web.pages.work",
    "web.pages.billing",
    "web.pages.found_goods",
    "web.pages.setup",
    "web.pages.webhooks",
    "web.pages.dead_webhooks",
    "web.pages.ingest",
    "web.api.ingest",
    "web.pages.values",
    "web.pages.desk_months",
    "web.pages.desk_inside",
    "web.pages.desk_leaving",
    "web.pages.desk_transfers",
    "web.pages.desk_customs_messages",
    "web.pages.desk_meat",
    "web.pages.desk_supply",
    "web.pages.desk_bonded",
    "web.pages.desk_transits",
    "web.pages.desk_pick_ups",
    "web.pages.desk_retail",
    "web.pages.desk_retail_work",
    "web.pages.temperature",
    "web.pages.gate",
    "web.pages.fence",
    "web.pages.cameras",
    "web.pages.gate_orders",
    "web.pages.devices",
    "web.pages.inspections",
    "web.pages.device_health",
    "web.pages.yard",
    "web.pages.gate_lanes",
    "web.pages.plan",
    "web.pages.plan_file",
    "web.pages.plan_report",
    "web.pages.replans",
    "web.pages.curves",
    "web.pages.emergency",
    "web.pages.against",
    "web.pages.plan_hand_over",
    "web.pages.rounds",
    "web.pages.fleet",
    "web.pages.track",
    "web.pages.oversight",
    "web.pages.books",
    "web.pages.admin",
)


LIVE_MODULES = ("web.health", "web.live")  # all that the process of the live streams serves


def create_live_app(settings: Settings, database: Database | None = None) -> APIFlask:
    """Return the application of ``dongting live``: the stream, for as many as that process bears, and nothing else."""
    own = replace(settings, live_url=None, live_streams=settings.live_process_streams)
    app = create_app(own, database, LIVE_MODULES)
    app.extensions[NO_PAGES] = True
    return app


def create_app(settings: Settings, database: Database | None = None, modules: Sequence[str] = MODULES) -> APIFlask:
    """Return the WSGI application. ``database`` is given by tests and by who already holds one.

    Raises :class:`web.auth.policy.RouteWithoutPolicy` when any route does not say who may call it.
    """
    app = APIFlask("web", title="Dongting", version="1", spec_path=None, docs_path=None, json_errors=False)
    configure(app, settings)
    describe(app)
    house = House(settings, database or open_database(settings))
    app.extensions[KEY] = house
    give_keys(house.database, partial(open_vault, settings.data_dir))
    mail.register()
    install_request_log(app)
    install_headers(app)
    install_languages(app, settings.time_zone)
    install_formats(app)
    install_words(app)
    install_assets(app)
    install_problems(app)
    install_reading(app)
    install_login(app, house.database, settings.tenant_id)
    install_guard(app)
    install_navigation(app)
    for name in modules:
        join(app, name)
    declare(app, "static", PUBLIC)
    refuse_undeclared(app)
    return app


def configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.body_limit_bytes,
        MAX_FORM_MEMORY_SIZE=settings.body_limit_bytes,
        SESSION_COOKIE_SECURE=settings.tls_certificate is not None,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def open_database(settings: Settings) -> Database:
    """Return the web process's pool; a request's statement may not run longer than the settings say.

    Raises :class:`wms.db.ServedAsOwner` for a login that row-level security does not bind.
    """
    options = f"-c statement_timeout={settings.statement_timeout_s * 1000}"
    database = Database(
        app_url(settings),
        pool_size=settings.web_pool,
        max_overflow=0,
        pool_use_lifo=True,  # few connections that know their statements, not many that each forget
        connect_args={"options": options},
    )
    database.refuse_owner()
    return database


def join(app: Flask, name: str) -> None:
    """Register the blueprint of a module; one that is not there is passed over, one that is broken is not."""
    if find_spec(name) is None:
        return
    blueprint: Blueprint = import_module(name).bp
    app.register_blueprint(blueprint)
