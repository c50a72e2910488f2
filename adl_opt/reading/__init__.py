"""Reading what others wrote, within bounds: import :mod:`adl_opt.reading.bounded`."""
