"""What is decided of a parcel without asking anybody: tax, limits, agreement of documents, states, terms."""
