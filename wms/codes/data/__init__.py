"""Dated code lists as files; read through :mod:`wms.codes.lists` and :mod:`wms.codes.unlocode`."""
