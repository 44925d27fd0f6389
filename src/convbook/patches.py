"""A filter bank whose weights are sums of image patches."""
