-- Only adds. Where the order was taken in, as W3C's Trace Context writes it (traceparent): what its attempts are linked to.
ALTER TABLE orders ADD COLUMN trace TEXT;
