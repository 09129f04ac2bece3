"""Parts of plots that pages share."""
