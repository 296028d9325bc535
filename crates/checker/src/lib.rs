//! Probes through a SOCKS5 upstream: evidence, and when it is gathered.
