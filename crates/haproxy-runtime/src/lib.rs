//! HAProxy's runtime API as types: commands, reply parsers, transport.
