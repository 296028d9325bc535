//! Whether a test can run here, and what it says where it cannot.

use e2e::wireguard::{Missing, needs};
use libtest_mimic::{Completion, Failed, Trial};

/// A test that needs tunnels; its name is a sentence.
pub(crate) fn with_tunnels(name: &str, play: impl FnOnce() + Send + 'static) -> Trial {
    Trial::ignorable_test(name, || match needs() {
        Ok(()) => {
            play();
            Ok(Completion::Completed)
        }
        // Whoever tests on a machine of their own may not be root; CI has no excuse.
        Err(Missing::Rights) if std::env::var_os("CI").is_none() => {
            Ok(Completion::ignored_with(format!("NOT RUN: {}", Missing::Rights)))
        }
        Err(missing) => Err(Failed::from(format!("NOT RUN: {missing}"))),
    })
}
