//! Wrong inputs, each with its message: what hactl says, how it ends or how it goes on.

mod wrong_inputs {
    mod configuration;
    mod haproxy;
    mod own_socket;
    mod scene;
    mod second;
    mod state_dir;
}
