//! The hactl daemon as a library: configuration, the decision loop, the admin socket, logs.
