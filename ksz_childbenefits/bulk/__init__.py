"""Files of lines into and out of the registers: streaming, resumable, nothing lost or doubled."""
