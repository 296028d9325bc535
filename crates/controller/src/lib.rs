//! Keeps HAProxy as the core wants it: observe, plan, apply, verify.
