"""Retail parcels across the border: order, payment and waybill, the declaration they must agree with, tax and quota."""
