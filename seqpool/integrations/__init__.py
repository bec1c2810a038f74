"""seqpool inside other libraries; each file imports one of them, and none is imported from here."""
